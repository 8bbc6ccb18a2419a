"""The few instructions that Python has no word for, written as LLVM IR.

Imported only while something is compiled, since it needs Numba.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

I64 = ir.IntType(64)
F32 = ir.FloatType()


@intrinsic
def fma(tc, a, b, c):
    """a * b + c with one rounding; becomes one instruction, also in vector code."""

    def codegen(ctx, bd, sig, args):
        kind = ir.FunctionType(args[0].type, [args[0].type] * 3)
        function = cgutils.get_or_insert_function(
            bd.module, kind, f"llvm.fma.{'f32' if args[0].type == F32 else 'f64'}"
        )
        return bd.call(function, args)

    return a(a, a, a), codegen
