"""How many members of a team work: as many as take the least time, which is measured while they work.

A result does not depend on that number, so trials are part of the run. The first member works alone until
the others have come; then all of them, half of them, and so on down to one take some steps in turn, and the
fastest number goes on. From then on the team is held to what one member alone would need: where the others
keep it waiting (another program has taken a core), it works alone for a while and then tries again; that
while doubles each time.
"""

from __future__ import annotations

import time

import numpy as np

from pellucid.kernels.jit import Instruction
from pellucid.kernels.kernel import Control
from pellucid.kernels.meeting import Meeting, count, gather, nanoseconds, wait

FIRST_STEPS = 30_000  # nanoseconds of work between two looks at who has come
TRIAL = 100_000  # nanoseconds of work of a trial
CLOSE = 0.25  # where two times are less than this share apart, they are measured twice
ENOUGH_FASTER = 0.95  # of the time that fewer members need
BLOCK = 500_000  # nanoseconds of work between two looks at the clock
PATIENCE = 4_000_000  # nanoseconds that a team may lose
LEAST_REST, LONGEST_REST = 50_000_000, 1_600_000_000
SHORT_REST = 5_000_000  # after a delay, which may have been the only one
LONG_AGO = 4  # times its length after which a rest counts no more
LONG_STEP, MOST_WAIT = 200_000, 1_000_000  # nanoseconds
WORTH_A_CALL = 300_000  # nanoseconds of work alone: calling the others takes a tenth of it
WORTH_A_TRIAL = 3_000_000  # the same for a trial, with new threads

FROM_STEP, TO_STEP, STOP = int(Control.FROM_STEP), int(Control.TO_STEP), int(Control.STOP)
ALONE, CHOSEN, TRY_AT, REST = (int(Control[n]) for n in ("ALONE", "CHOSEN", "TRY_AT", "REST"))
LOST, MOST, TRIED = int(Control.LOST), int(Control.MOST), int(Control.TRIED)
WORKED, PHASE, DONE, SPENT = int(Control.WORKED), int(Control.PHASE), int(Control.DONE), int(Control.SPENT)
MOST_TRIED = int(Control.SIZE) - TRIED
ROUND, KERNEL, ROW, COUNT = (int(Meeting[n]) for n in ("ROUND", "KERNEL", "ROW", "COUNT"))
STAY, PRESENT, LEFT, CALLED = (int(Meeting[n]) for n in ("STAY", "PRESENT", "LEFT", "CALLED"))
FIXED, ALLOWED, NUMBER = int(Meeting.FIXED), int(Meeting.ALLOWED), int(Meeting.NUMBER)
RUN = 1 << 16  # the number of a run and how many have come for it are one word
OVER = -1
EVERYBODY = RUN

call_kernel, atomic_load, atomic_exchange, pause = (
    Instruction(name) for name in ("call_kernel", "atomic_load", "atomic_exchange", "pause")
)


def announce(meeting, kernel, row, members, stay):
    """Tell those who have come what the first `members` do, and from which member on they go home."""
    meeting[KERNEL], meeting[ROW], meeting[COUNT], meeting[STAY] = kernel, row, members, stay
    count(meeting, ROUND)


def invite(kernel, row, meeting):
    """Let everybody who comes for this run do this."""
    announce(meeting, kernel, row, EVERYBODY, EVERYBODY)


def follow(meeting, now, member, number):
    """Work in the run of this number, if it is not over."""
    present = atomic_load(meeting, PRESENT)
    while True:
        if present // RUN != number:
            return
        found = atomic_exchange(meeting, PRESENT, present, present + 1)
        if found == present:
            break
        present = found
    turn = 0
    while True:
        turn += 1
        wait(meeting, ROUND, turn)
        members, stay = meeting[COUNT], meeting[STAY]
        if member >= stay:
            break
        if member < members:
            call_kernel(meeting[KERNEL], meeting[ROW], now, member, members)
        if members < stay:
            gather(meeting, stay)  # or one who had nothing to do could miss what is announced next
    count(meeting, LEFT)


def dismiss(meeting):
    """Send home those who have come for this run, and let nobody come any more."""
    if meeting[CALLED] == 1:
        return
    present = atomic_load(meeting, PRESENT)
    while True:
        found = atomic_exchange(meeting, PRESENT, present, OVER)
        if found == present:
            break
        present = found
    meeting[STAY] = 0  # and nothing else: who came last may be reading what they are invited to
    count(meeting, ROUND)
    wait(meeting, LEFT, present % RUN)


def timed(kernel, row, control, meeting, now, step, steps, members, stay):
    """Run some steps by the first `members` of the `stay` who take note; gives the nanoseconds."""
    control[FROM_STEP], control[TO_STEP] = step, step + steps
    begin = nanoseconds(meeting)
    if stay > 1:
        announce(meeting, kernel, row, members, stay)
    call_kernel(kernel, row, now, 0, members)
    if members < stay:
        gather(meeting, stay)
    return nanoseconds(meeting) - begin


def steps_in(nanoseconds, cost, most):
    """How many steps fit into some time."""
    return min(most, max(1, nanoseconds // max(1, cost)))


def numbers_of(members):
    """How many numbers of members are tried: all, half of them, and so on down to one."""
    numbers = 1
    while members >> numbers > 0 and numbers < MOST_TRIED:
        numbers += 1
    return numbers


def try_next(kernel, row, control, meeting, now, step, to, here):
    """Some steps of a trial of `here` members, which chooses in the end; gives the next step."""
    numbers = numbers_of(here)
    if control[MOST] != here or control[PHASE] == 0:
        control[MOST], control[PHASE], control[DONE], control[SPENT] = here, 1, -1, 0
    turn, i = (control[PHASE] - 1) // numbers, numbers - 1 - (control[PHASE] - 1) % numbers
    enough = max(2, TRIAL // max(1, control[ALONE]))
    n = 1  # also where a step has become dearer, so that enough are done already
    if control[DONE] >= 0:
        n = max(n, min(enough - control[DONE], to - step))
    members = here >> i if i < numbers - 1 else 1
    spent = timed(kernel, row, control, meeting, now, step, n, members, here)
    if control[DONE] < 0:  # each member had to fetch what others have written
        control[DONE] = 0
    else:
        control[DONE] += n
        control[SPENT] += spent
    if control[DONE] >= enough:
        cost = control[SPENT] // control[DONE]
        control[TRIED + i] = cost if turn == 0 else min(control[TRIED + i], cost)
        control[PHASE], control[DONE], control[SPENT] = control[PHASE] + 1, -1, 0
        if i == 0:
            apart = abs(control[TRIED] - control[TRIED + numbers - 1])
            if turn == 1 or apart > CLOSE * control[TRIED]:
                choose(control, meeting, here, numbers)
    return step + n


def choose(control, meeting, here, numbers):
    """End a trial: take the number of members that was fastest."""
    last = numbers - 1
    best = last
    for i in range(last - 1, -1, -1):
        if control[TRIED + i] < ENOUGH_FASTER * control[TRIED + best]:
            best = i
    if control[CHOSEN] == 0:
        control[ALONE] = control[TRIED + last]  # what was measured before was the first steps of all
    control[CHOSEN], control[PHASE] = here >> best if best < last else 1, 0
    if best > 0:
        rest(control, meeting, LEAST_REST)


def rest(control, meeting, least):
    """Try nothing for a while, twice as long as the last time unless that is long ago."""
    now = nanoseconds(meeting)
    if now > control[TRY_AT] + LONG_AGO * control[REST]:
        control[REST] = 0
    control[REST] = min(max(2 * control[REST], least), LONGEST_REST)
    control[TRY_AT] = now + control[REST]


def lead(kernel, row, control, meeting, now):
    """All steps that `control` names, as the first member; the others may come while it works."""
    first, to = control[FROM_STEP], control[TO_STEP]
    step, is_fixed = first, meeting[FIXED] != 0
    await_others(control, meeting)
    while step < to and control[STOP] == 0:
        called, chosen = meeting[CALLED], control[CHOSEN]
        here = called if atomic_load(meeting, PRESENT) % RUN >= called - 1 else 1
        members = here
        if here > 1 and is_fixed:
            if chosen == 1 and nanoseconds(meeting) >= control[TRY_AT]:
                control[CHOSEN] = 0
            members = 1 if control[CHOSEN] == 1 else here
        elif here > 1:
            members = max(1, min(here, chosen, meeting[ALLOWED]))
            if chosen < here <= meeting[ALLOWED] and (chosen == 0 or nanoseconds(meeting) >= control[TRY_AT]):
                step = try_next(kernel, row, control, meeting, now, step, to, here)
                continue
            if 1 < members < here:
                announce(meeting, kernel, row, 0, members)  # the others go home
                gather(meeting, members)
                meeting[CALLED] = members
        n = to - step
        if called > 1:
            block = FIRST_STEPS if here == 1 else BLOCK
            cost = control[TRIED] if is_fixed and members > 1 else control[ALONE]
            n = steps_in(block, cost, n) if cost > 0 else 1
        spent = timed(kernel, row, control, meeting, now, step, n, members, members)
        step += n
        if members == 1:
            note_alone(control, n, spent)
        else:
            watch(control, meeting, n, spent, is_fixed, step == to)
    control[FROM_STEP], control[TO_STEP] = first, to


def await_others(control, meeting):
    """Where a step takes longer than a thread needs to wake up, wait a little for those who were called."""
    if control[ALONE] < LONG_STEP or control[TRY_AT] > nanoseconds(meeting):
        return
    until = nanoseconds(meeting) + min(control[ALONE] // 4, MOST_WAIT)
    while atomic_load(meeting, PRESENT) % RUN < meeting[CALLED] - 1 and nanoseconds(meeting) < until:
        pause()


def watch(control, meeting, steps, spent, is_fixed, is_end):
    """See whether members keep each other waiting, and have one work alone for a while if they do.

    A team of a fixed number is held to twice the least that it needed itself, a measured one to one member.
    The last step may have fewer rows than the others, and says nothing of them.
    """
    limit = control[ALONE]
    if is_fixed:
        least, cost = control[TRIED], max(1, spent // steps)
        if least == 0 or (cost < least and not is_end):
            control[TRIED] = cost
        limit = 2 * control[TRIED]
    control[LOST] = max(control[LOST] + spent - steps * limit, -PATIENCE // 2)
    if control[LOST] > PATIENCE + limit:
        control[CHOSEN], control[LOST] = 1, 0
        rest(control, meeting, SHORT_REST)


def note_alone(control, steps, spent):
    """Remember what one thread alone takes for a step: a mean, in which longer runs count for more."""
    cost, known = spent // steps, control[ALONE]
    control[WORKED] += spent
    if known == 0:
        control[ALONE] = max(1, cost)
    elif control[CHOSEN] == 0:
        control[ALONE] = max(1, min(known, cost))  # the first steps fetch everything from far away
    else:
        share = min(spent, LEAST_REST)
        control[ALONE] = max(1, known + (cost - known) * share // LEAST_REST)


def told(control: np.ndarray, members: int, is_measured: bool) -> str:
    """How many of at most so many threads ran a program, and why."""
    if not is_measured or members == 1:
        return f"{_threads(members)}, {'the only core' if is_measured else 'as asked'}"
    if not control[CHOSEN]:
        return "1 thread, since more were not worth a trial"
    numbers = numbers_of(int(control[MOST]))
    tried = {int(control[MOST]) >> i if i < numbers - 1 else 1: control[TRIED + i] for i in range(numbers)}
    costs = ", ".join(f"{1e-3 * cost:.1f} us with {n}" for n, cost in tried.items())
    chosen = int(control[CHOSEN])
    is_held_up = chosen == 1 and tried[1] * ENOUGH_FASTER > min(tried.values())
    why = "other programs use the cores" if is_held_up else f"a step took {costs}"
    return f"{_threads(chosen)}, since {why}"


def _threads(members: int) -> str:
    return "1 thread" if members == 1 else f"{members} threads"


def begin(meeting: np.ndarray, members: int, is_fixed: bool) -> int:
    """Open a run to which so many members are called; gives its number."""
    number = int(meeting[NUMBER]) + 1
    meeting[NUMBER], meeting[CALLED], meeting[FIXED] = number, members, is_fixed
    meeting[ROUND] = meeting[LEFT] = 0
    meeting[PRESENT] = number * RUN
    return number


def members_for(
    control: np.ndarray, meeting: np.ndarray, members: int, steps: int, guess: float, is_measured: bool
) -> int:
    """How many members to call for so many steps; `guess` is the nanoseconds of one if that is not known."""
    if not is_measured:
        return members
    most, alone = min(members, int(meeting[ALLOWED])), steps * (int(control[ALONE]) or guess)
    chosen = int(control[CHOSEN])
    if most == 1 or alone < WORTH_A_CALL or not (chosen or alone + control[WORKED] >= WORTH_A_TRIAL):
        return 1
    if chosen and chosen < most and time.monotonic_ns() + alone / 2 < control[TRY_AT]:
        return chosen
    return most
