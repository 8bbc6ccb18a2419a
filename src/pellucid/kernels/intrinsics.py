"""The few instructions that Python has no word for, written as LLVM IR.

Imported only while something is compiled, since it needs Numba.
"""

import platform

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

I32 = ir.IntType(32)
I64 = ir.IntType(64)
F32 = ir.FloatType()


def instruction(bd, name, args):
    """Emit the LLVM instruction `name` on floats of one type."""
    kind = args[0].type
    name = f"llvm.{name}.{'f32' if kind == F32 else 'f64'}"
    return bd.call(
        cgutils.get_or_insert_function(bd.module, ir.FunctionType(kind, [kind] * len(args)), name), args
    )


@intrinsic
def fma(tc, a, b, c):
    """a * b + c with one rounding; becomes one instruction, also in vector code."""
    return a(a, a, a), lambda ctx, bd, sig, args: instruction(bd, "fma", args)


@intrinsic
def polynomial(tc, x, *coefficients):
    """Horner's rule from the highest coefficient down, each step one fused multiply-add."""

    def codegen(ctx, bd, sig, args):
        x, values = args[0], cgutils.unpack_tuple(bd, args[1])
        values = [ctx.cast(bd, v, t, sig.args[0]) for v, t in zip(values, sig.args[1], strict=True)]
        result = values.pop()
        while values:
            result = instruction(bd, "fma", [result, x, values.pop()])
        return result

    return x(x, types.StarArgTuple(coefficients)), codegen


@intrinsic
def absolute(tc, x):
    """|x|."""
    return x(x), lambda ctx, bd, sig, args: instruction(bd, "fabs", args)


@intrinsic
def copysign(tc, x, y):
    """|x| with the sign of y."""
    return x(x, x), lambda ctx, bd, sig, args: instruction(bd, "copysign", args)


@intrinsic
def floor(tc, x):
    """The largest whole number that is not above x."""
    return x(x), lambda ctx, bd, sig, args: instruction(bd, "floor", args)


@intrinsic
def nearest(tc, x):
    """The whole number nearest to x, the even one of two."""
    return x(x), lambda ctx, bd, sig, args: instruction(bd, "roundeven", args)


@intrinsic
def sqrt(tc, x):
    """The square root, correctly rounded; NaN of a negative number."""
    return x(x), lambda ctx, bd, sig, args: instruction(bd, "sqrt", args)


@intrinsic
def bits(tc, x):
    """The 32 bits of a float32 as an int32."""
    return types.int32(types.float32), lambda ctx, bd, sig, args: bd.bitcast(args[0], I32)


@intrinsic
def from_bits(tc, x):
    """The float32 whose bits are the lowest 32 of a whole number."""

    def codegen(ctx, bd, sig, args):
        return bd.bitcast(ctx.cast(bd, args[0], sig.args[0], types.int32), F32)

    return types.float32(x), codegen


@intrinsic
def call_kernel(tc, address, arguments, now, lo, hi):
    """Call the kernel at `address` with the argument row at address `arguments`."""

    def codegen(ctx, bd, sig, args):
        address, arguments, now, lo, hi = args
        if isinstance(sig.args[2], types.Array):
            now = ctx.make_array(sig.args[2])(ctx, bd, now).data
        kind = ir.FunctionType(ir.VoidType(), [I64.as_pointer(), I64.as_pointer(), I64, I64])
        row = bd.inttoptr(arguments, I64.as_pointer())
        bd.call(bd.inttoptr(address, kind.as_pointer()), [row, now, lo, hi])
        return ctx.get_dummy_value()

    return types.void(types.int64, types.int64, now, types.int64, types.int64), codegen


@intrinsic
def call_system(tc, address, first, second, third, fourth):
    """Call a C function of the system with whole numbers; one that takes fewer does not see the others."""
    number = types.int64

    def codegen(ctx, bd, sig, args):
        address, *rest = (ctx.cast(bd, v, t, number) for v, t in zip(args, sig.args, strict=True))
        kind = ir.FunctionType(I64, [I64] * 6)
        zeros = [ir.Constant(I64, 0)] * 2
        return bd.call(bd.inttoptr(address, kind.as_pointer()), [*rest, *zeros])

    return number(address, first, second, third, fourth), codegen


@intrinsic
def pause(tc):
    """Tell the core that this thread only waits."""

    def codegen(ctx, bd, sig, args):
        if (machine := platform.machine()) in ("x86_64", "AMD64"):
            kind = ir.FunctionType(ir.VoidType(), [])
            bd.call(cgutils.get_or_insert_function(bd.module, kind, "llvm.x86.sse2.pause"), [])
        elif machine in ("aarch64", "arm64"):
            kind = ir.FunctionType(ir.VoidType(), [I32])
            isb = cgutils.get_or_insert_function(bd.module, kind, "llvm.aarch64.isb")
            bd.call(isb, [ir.Constant(I32, 15)])
        return ctx.get_dummy_value()

    return types.void(), codegen


@intrinsic
def store(tc, address, value):
    """Put a whole number at an address."""

    def codegen(ctx, bd, sig, args):
        bd.store(args[1], bd.inttoptr(args[0], I64.as_pointer()))
        return ctx.get_dummy_value()

    return types.void(types.int64, types.int64), codegen


@intrinsic
def fetch(tc, array, i):
    """Have the memory of array[i] brought into the cache, if it can be reached; nothing waits for it."""

    def codegen(ctx, bd, sig, args):
        place = bd.bitcast(_element(ctx, bd, sig, args), ir.IntType(8).as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [place.type, I32, I32, I32])
        function = cgutils.get_or_insert_function(bd.module, kind, "llvm.prefetch.p0i8")
        bd.call(function, [place, *(ir.Constant(I32, k) for k in (0, 3, 1))])  # read, all caches, data
        return ctx.get_dummy_value()

    return types.void(array, types.int64), codegen


def _element(ctx, bd, sig, args):
    return bd.gep(ctx.make_array(sig.args[0])(ctx, bd, args[0]).data, [args[1]])


@intrinsic
def atomic_add(tc, array, i, value):
    """Add to array[i] in one step that no other thread can split; gives the old value."""

    def codegen(ctx, bd, sig, args):
        return bd.atomic_rmw("add", _element(ctx, bd, sig, args), args[2], "seq_cst")

    return types.int64(array, types.int64, types.int64), codegen


@intrinsic
def atomic_load(tc, array, i):
    """array[i], with everything its writer wrote before it."""

    def codegen(ctx, bd, sig, args):
        return bd.load_atomic(_element(ctx, bd, sig, args), "seq_cst", 8)

    return types.int64(array, types.int64), codegen


@intrinsic
def atomic_exchange(tc, array, i, expected, value):
    """Make array[i] `value` if it is `expected`; gives what it was."""

    def codegen(ctx, bd, sig, args):
        pair = bd.cmpxchg(_element(ctx, bd, sig, args), args[2], args[3], "seq_cst", "seq_cst")
        return bd.extract_value(pair, 0)

    return types.int64(array, types.int64, types.int64, types.int64), codegen


SIDE = 16  # numbers in a cache line, and in the widest vector
FOUR = 4  # numbers in the part of a vector that a shuffle stays in on every CPU


def _room(count):
    """An intrinsic that gives float32 numbers which live as long as the call of the function it stands in."""

    @intrinsic
    def room(tc):
        kind = types.Array(types.float32, 1, "C")

        def codegen(ctx, bd, sig, args):
            place = cgutils.alloca_once(bd, F32, size=ir.Constant(I64, count))
            place.align = 4 * SIDE
            array = ctx.make_array(kind)(ctx, bd)
            array.data = place
            array.itemsize = ir.Constant(I64, 4)
            array.nitems = ir.Constant(I64, count)
            array.shape = ir.Constant(ir.ArrayType(I64, 1), [count])
            array.strides = ir.Constant(ir.ArrayType(I64, 1), [4])
            return array._getvalue()

        return kind(), codegen

    return room


room_for_lane = _room(SIDE)
room_for_square = _room(SIDE * SIDE)
room_for_panel = _room(4 * SIDE * SIDE)


def turned_fours(bd, rows):
    """Four vectors; in each four lanes the columns of the four by four numbers that those hold as rows."""
    width = rows[0].type.count
    starts = range(0, width, FOUR)

    def laid_into(x, y, half, size):
        """In each four: `size` numbers of x, as many of y, and so on, from a lower (0) or upper (2) half."""
        places = [at + i for at in range(half, half + 2, size) for i in range(size)]
        pieces = [places[i : i + size] for i in range(0, 2, size)]
        return shuffled(
            bd, x, y, [p + s + of for s in starts for piece in pieces for of in (0, width) for p in piece]
        )

    a, b, c, d = rows
    halves = [(laid_into(a, b, half, 1), laid_into(c, d, half, 1)) for half in (0, 2)]
    return [laid_into(x, y, half, 2) for x, y in halves for half in (0, 2)]


def shuffled(bd, x, y, lanes):
    """A vector of the numbers at these places of x with y behind it."""
    return bd.shuffle_vector(x, y, ir.Constant(ir.VectorType(I32, len(lanes)), lanes))


def _place(ctx, bd, sig, args, at, row, width):
    """A vector in a row; `args` has from `at` on an array, where it begins, how far apart its rows are."""
    array, offset, stride = args[at : at + 3]
    number = bd.gep(
        ctx.make_array(sig.args[at])(ctx, bd, array).data,
        [bd.add(offset, bd.mul(ir.Constant(I64, row), stride))],
    )
    return bd.bitcast(number, ir.VectorType(F32, width).as_pointer())


@intrinsic
def turn(tc, x, a, x_stride, out, b, out_stride):
    """out[b + j * out_stride + i] = x[a + i * x_stride + j] for a square of 16 × 16 numbers."""
    i = types.int64

    def codegen(ctx, bd, sig, args):
        rows = [bd.load(_place(ctx, bd, sig, args, 0, r, SIDE), align=4) for r in range(SIDE)]
        # Each round lays rows r and r + 8 into each other; after four rounds columns have become rows.
        first = [k // 2 + SIDE * (k % 2) for k in range(SIDE)]
        for _ in range(4):
            rows = [
                shuffled(bd, rows[r], rows[r + SIDE // 2], [k + half for k in first])
                for r in range(SIDE // 2)
                for half in (0, SIDE // 2)
            ]
        for r in range(SIDE):
            bd.store(rows[r], _place(ctx, bd, sig, args, 3, r, SIDE), align=4)
        return ctx.get_dummy_value()

    return types.void(x, i, i, out, i, i), codegen


@intrinsic
def turn_four_columns(tc, x, a, x_stride, out, b, out_stride):
    """out[b + j * out_stride + i] = x[a + i * x_stride + j] for 16 rows and 4 columns."""
    i = types.int64

    def codegen(ctx, bd, sig, args):
        parts = [bd.load(_place(ctx, bd, sig, args, 0, r, FOUR), align=4) for r in range(SIDE)]
        rows = []
        for r in range(FOUR):
            pairs = [shuffled(bd, parts[r + k], parts[r + k + FOUR], list(range(8))) for k in (0, 8)]
            rows.append(shuffled(bd, pairs[0], pairs[1], list(range(SIDE))))
        for j, column in enumerate(turned_fours(bd, rows)):
            bd.store(column, _place(ctx, bd, sig, args, 3, j, SIDE), align=4)
        return ctx.get_dummy_value()

    return types.void(x, i, i, out, i, i), codegen


@intrinsic
def turn_four_rows(tc, x, a, x_stride, out, b, out_stride):
    """out[b + i * out_stride + j] = x[a + j * x_stride + i] for 4 rows and 16 columns."""
    i = types.int64

    def codegen(ctx, bd, sig, args):
        rows = [bd.load(_place(ctx, bd, sig, args, 0, j, SIDE), align=4) for j in range(FOUR)]
        for r, four in enumerate(turned_fours(bd, rows)):
            for k in range(r, SIDE, FOUR):
                part = shuffled(bd, four, four, list(range(k - r, k - r + FOUR)))
                bd.store(part, _place(ctx, bd, sig, args, 3, k, FOUR), align=4)
        return ctx.get_dummy_value()

    return types.void(x, i, i, out, i, i), codegen
