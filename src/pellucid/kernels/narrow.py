"""The register tile for few columns: rows of A stand side by side in the lanes of a vector.

    C[i, j] = start[j] + sum over k of  A[i, k] * B[k, j]

A tile of `kernels.tile` has a vector of columns, of which an output layer of two neurons would fill two
lanes. Here a square of A is turned in registers, so that a lane is a row and each multiply-add does useful
work. Each sum is the same chain of fused multiply-adds in the order of k, so the bits are the same too.

Imported only while something is compiled.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from pellucid.kernels.intrinsics import FOUR, shuffled, turned_fours
from pellucid.kernels.tile import rectified, sloped

F32, I64, I32 = ir.FloatType(), ir.IntType(64), ir.IntType(32)
ALIGN = 4


def turned(bd, rows):
    """The columns of a square whose rows are these vectors.

    First each square of four by four numbers is turned, within the fours of lanes that are cheap to shuffle;
    then whole fours change places.
    """
    width = len(rows)
    starts = range(0, width, FOUR)

    def sorted_fours(vectors):
        """As many vectors as there are: the q-th has the q-th four of each."""
        if len(vectors) == 1:
            return vectors
        pairs = list(zip(vectors[::2], vectors[1::2], strict=True))
        result = [None] * len(vectors)
        for odd in (0, 1):
            lanes = [s + i + of for of in (0, width) for s in starts[odd::2] for i in range(FOUR)]
            result[odd::2] = sorted_fours([shuffled(bd, x, y, lanes) for x, y in pairs])
        return result

    # for each four rows, four vectors: the columns of all its squares
    squares = [turned_fours(bd, rows[r : r + FOUR]) for r in starts]
    columns = [None] * width
    for c in range(FOUR):
        columns[c::FOUR] = sorted_fours([square[c] for square in squares])
    return columns


def make_narrow_tile(n_columns, width):
    """A tile of `width` rows and `n_columns` columns as a Numba intrinsic; n is at least `width`.

    The sums start from nothing where `begin` is 0, else from the row `start`; `ending` and M are as in
    `make_tile`. A whole vector is written to each row of C, with zeros behind the columns.
    """

    @intrinsic
    def tile(tc, A, a, A_stride, B, B_stride, start, begin, C, c, C_stride, n, ending, M):
        i = types.int64
        signature = types.void(A, i, i, B, i, start, i, C, i, i, i, i, M)

        def codegen(ctx, bd, sig, args):
            A, a, A_stride, B, B_stride, start, begin, C, c, C_stride, n, ending, M = args
            data = lambda at, array: ctx.make_array(sig.args[at])(ctx, bd, array).data
            vector = ir.VectorType(F32, width)
            const = lambda value: ir.Constant(I64, value)
            fma = cgutils.get_or_insert_function(
                bd.module, ir.FunctionType(vector, [vector] * 3), f"llvm.fma.v{width}f32"
            )
            A, B, C, start = bd.gep(data(0, A), [a]), data(3, B), bd.gep(data(7, C), [c]), data(5, start)
            M = bd.gep(data(12, M), [c])
            zero = ir.Constant(vector, [0.0] * width)
            undefined = ir.Constant(vector, ir.Undefined)

            def everywhere(number):
                one = bd.insert_element(undefined, number, ir.Constant(I32, 0))
                return bd.shuffle_vector(one, undefined, ir.Constant(ir.VectorType(I32, width), [0] * width))

            def square(k):
                """Columns k to k + width of the rows."""
                places = [bd.gep(A, [bd.add(bd.mul(const(r), A_stride), k)]) for r in range(width)]
                return turned(bd, [bd.load(bd.bitcast(p, vector.as_pointer()), align=ALIGN) for p in places])

            def added(sums, columns, k, first=None):
                """The sums after `width` more numbers each, or without those before the `first`."""
                for t, column in enumerate(columns):
                    row = bd.gep(B, [bd.mul(bd.add(k, const(t)), B_stride)])
                    more = [
                        bd.call(fma, [column, everywhere(bd.load(bd.gep(row, [const(j)]))), s])
                        for j, s in enumerate(sums)
                    ]
                    if first is not None:
                        counts = bd.icmp_signed(">=", const(t), first)
                        more = [bd.select(counts, m, s) for m, s in zip(more, sums, strict=True)]
                    sums = more
                return sums

            has_start = bd.icmp_signed("!=", begin, const(0))
            places = [
                bd.select(has_start, bd.gep(start, [const(j)]), bd.gep(B, [const(j)]))
                for j in range(n_columns)
            ]
            first = [bd.select(has_start, everywhere(bd.load(p)), zero) for p in places]

            entry, loop, done = (bd.block, *map(bd.append_basic_block, ("loop", "done")))
            bd.branch(loop)
            bd.position_at_end(loop)
            k, sums = bd.phi(I64), [bd.phi(vector) for _ in range(n_columns)]
            after = added(sums, square(k), k)
            k_next = bd.add(k, const(width))
            for phi, value, again in zip([k, *sums], [const(0), *first], [k_next, *after], strict=True):
                phi.add_incoming(value, entry)
                phi.add_incoming(again, loop)
            bd.cbranch(bd.icmp_signed("<=", bd.add(k_next, const(width)), n), loop, done)
            bd.position_at_end(done)
            rest = bd.icmp_signed("<", k_next, n)
            with bd.if_else(rest) as (then, otherwise):
                with then:  # the last columns once more, of which only those that are new count
                    k = bd.sub(n, const(width))
                    last = added(after, square(k), k, bd.sub(k_next, k))
                    from_rest = bd.block
                with otherwise:
                    from_done = bd.block
            results = []
            for with_rest, without in zip(last, after, strict=True):
                result = bd.phi(vector)
                result.add_incoming(with_rest, from_rest)
                result.add_incoming(without, from_done)
                results.append(result)
            cut = bd.icmp_signed("==", ending, const(1))
            results = [bd.select(cut, rectified(bd, x), x) for x in results]
            place = lambda base, r: bd.bitcast(
                bd.gep(base, [bd.mul(const(r), C_stride)]), vector.as_pointer()
            )
            results = turned(bd, [*results, *[zero] * (width - n_columns)])
            for r, row in enumerate(results):
                bd.store(row, place(C, r), align=ALIGN)
            with bd.if_then(bd.icmp_signed("==", ending, const(2))):
                for r, row in enumerate(results):
                    bd.store(sloped(bd, row, bd.load(place(M, r), align=ALIGN)), place(C, r), align=ALIGN)
            return ctx.get_dummy_value()

        return signature, codegen

    return tile
