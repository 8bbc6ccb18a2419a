"""The register tile: the one place where matrix products are computed.

    C[i, :] = start[i, :] + sum over k of  A[i, k] * B[k, :]

for a few rows i and a few vectors of columns, all sums in registers. Each sum is one chain of
fused multiply-adds in the order of k, whatever the shape of the tile; so the bits of a product do
not depend on how its rows are split into tiles or shared among threads.

Imported only while something is compiled.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

F32, I64, I32 = ir.FloatType(), ir.IntType(64), ir.IntType(32)
ALIGN = 4  # bytes; rows are usually aligned better, and the CPU does not mind


def make_tile(n_rows, n_vectors, width, transposed, ahead=0):
    """A tile of n_rows × n_vectors * width as a Numba intrinsic.

    The rows of A are `A_stride` apart and its k-th column is the next number; `transposed` tells that A
    is stored the other way round, so that the rows of one tile are neighbours in memory.
    The sums start from nothing where `begin` is 0, from the row `start` where it is 1, and go on from C
    where it is 2. Where `ending`, which only a tile by rows looks at, is 1, max(0, sum) is stored, and where
    it is 2 the sum times the slope of relu at M, which lies as C does.
    Rows of B are fetched into the first cache so many rows `ahead`.
    """

    @intrinsic
    def tile(tc, A, a, A_stride, B, b, B_stride, start, s, begin, C, c, C_stride, n, ending, M):
        i = types.int64
        signature = types.void(A, i, i, B, i, i, start, i, i, C, i, i, i, i, M)

        def codegen(ctx, bd, sig, args):
            A, a, A_stride, B, b, B_stride, start, s, begin, C, c, C_stride, n, ending, M = args
            pointer = lambda at, array, offset: bd.gep(
                ctx.make_array(sig.args[at])(ctx, bd, array).data, [offset]
            )
            vector = ir.VectorType(F32, width)
            const = lambda value: ir.Constant(I64, value)
            grid = lambda make: [[make(r, v) for v in range(n_vectors)] for r in range(n_rows)]
            place = lambda base, stride, r, v: bd.bitcast(
                bd.gep(bd.gep(base, [bd.mul(const(r), stride)]), [const(v * width)]), vector.as_pointer()
            )
            fma = cgutils.get_or_insert_function(
                bd.module, ir.FunctionType(vector, [vector] * 3), f"llvm.fma.v{width}f32"
            )
            A, B, C, start = pointer(0, A, a), pointer(3, B, b), pointer(9, C, c), pointer(6, start, s)
            M = pointer(14, M, c)
            row_offsets = [const(r) if transposed else bd.mul(const(r), A_stride) for r in range(n_rows)]

            goes_on = bd.icmp_signed("==", begin, const(2))
            begin_at = bd.select(goes_on, C, start)
            begin_stride = bd.select(goes_on, C_stride, const(0))
            with bd.if_else(bd.icmp_signed("!=", begin, const(0))) as (then, otherwise):
                with then:
                    given = grid(lambda r, v: bd.load(place(begin_at, begin_stride, r, v), align=ALIGN))
                    from_given = bd.block
                with otherwise:
                    from_nothing = bd.block
            zero = ir.Constant(vector, [0.0] * width)
            first = grid(lambda r, v: bd.phi(vector))
            for r in range(n_rows):
                for v in range(n_vectors):
                    first[r][v].add_incoming(given[r][v], from_given)
                    first[r][v].add_incoming(zero, from_nothing)

            entry, loop, done = bd.block, bd.append_basic_block("loop"), bd.append_basic_block("done")
            bd.branch(loop)
            bd.position_at_end(loop)
            k = bd.phi(I64)
            sums = grid(lambda r, v: bd.phi(vector))
            a_k = bd.gep(A, [bd.mul(k, A_stride) if transposed else k])
            b_k = bd.gep(B, [bd.mul(k, B_stride)])
            row = [
                bd.load(bd.bitcast(bd.gep(b_k, [const(v * width)]), vector.as_pointer()), align=ALIGN)
                for v in range(n_vectors)
            ]
            for v in range(n_vectors if ahead else 0):  # lines that need not be anybody's memory
                line = bd.gep(bd.gep(b_k, [bd.mul(B_stride, const(ahead))]), [const(v * width)])
                fetch(bd, line)
            new = []
            undefined = ir.Constant(vector, ir.Undefined)
            for r in range(n_rows):
                one = bd.insert_element(
                    undefined, bd.load(bd.gep(a_k, [row_offsets[r]])), ir.Constant(I32, 0)
                )
                all_ = bd.shuffle_vector(one, undefined, ir.Constant(ir.VectorType(I32, width), [0] * width))
                new.append([bd.call(fma, [all_, row[v], sums[r][v]]) for v in range(n_vectors)])
            k_next = bd.add(k, const(1))
            k.add_incoming(const(0), entry)
            k.add_incoming(k_next, loop)
            for r in range(n_rows):
                for v in range(n_vectors):
                    sums[r][v].add_incoming(first[r][v], entry)
                    sums[r][v].add_incoming(new[r][v], loop)
            bd.cbranch(bd.icmp_signed("<", k_next, n), loop, done)
            bd.position_at_end(done)

            def store(of):
                grid(lambda r, v: bd.store(of(r, v), place(C, C_stride, r, v), align=ALIGN))

            if transposed:
                store(lambda r, v: new[r][v])
                return ctx.get_dummy_value()
            after = bd.append_basic_block("after")
            stores = {
                0: lambda r, v: new[r][v],
                1: lambda r, v: rectified(bd, new[r][v]),
                2: lambda r, v: sloped(bd, new[r][v], bd.load(place(M, C_stride, r, v), align=ALIGN)),
            }
            blocks = {number: bd.append_basic_block(f"ending.{number}") for number in stores}
            switch = bd.switch(ending, blocks[0])
            for number, block in blocks.items():
                if number:
                    switch.add_case(const(number), block)
                bd.position_at_end(block)
                store(stores[number])
                bd.branch(after)
            bd.position_at_end(after)
            return ctx.get_dummy_value()

        return signature, codegen

    return tile


def fetch(bd, place):
    """Begin to load the cache line of a place, to be read and kept in the first cache."""
    byte, is_read, first_cache, is_data = ir.IntType(8).as_pointer(), 0, 3, 1
    kind = ir.FunctionType(ir.VoidType(), [byte, I32, I32, I32])
    function = cgutils.get_or_insert_function(bd.module, kind, "llvm.prefetch.p0i8")
    bd.call(
        function, [bd.bitcast(place, byte), *(ir.Constant(I32, n) for n in (is_read, first_cache, is_data))]
    )


def rectified(bd, x):
    """0 where x < 0, else x, so that NaN stays NaN; the formula of relu."""
    zero = ir.Constant(x.type, [0.0] * x.type.count)
    return bd.select(bd.fcmp_ordered("<", x, zero), zero, x)


def sloped(bd, x, a):
    """x times the slope of relu where it gives a, which is the formula `sign` for a that is not below 0."""
    zero, one = (ir.Constant(x.type, [number] * x.type.count) for number in (0.0, 1.0))
    return bd.fmul(x, bd.select(bd.fcmp_ordered(">", a, zero), one, a))


def row_counts(n_vectors, registers, transposed):
    """The tile heights to build for a number of vectors: the highest that fits the registers, then less.

    Unless A is transposed each row of a tile needs a pointer of its own, of which there are sixteen.
    """
    if registers < 32:
        highest = {1: 8, 2: 6, 3: 4, 4: 3}[n_vectors]
    elif transposed:
        highest = {1: 16, 2: 12, 3: 8, 4: 6}[n_vectors]
    else:
        highest = {1: 8, 2: 8, 3: 8, 4: 6}[n_vectors]
    return [highest, *(r for r in (4, 2, 1) if r < highest)]
