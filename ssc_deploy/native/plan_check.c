/* Looks at a plan before it runs: every offset and size in it, whoever wrote it. */
#include "steps.h"

#include <string.h>

/* Sizes and steps beyond these occur in no network, and keep sums of products of them far inside 64 bits. */
#define MOST_SIZE 0x7fffffff
#define MOST_FLOATS ((int64_t)1 << 31)

typedef struct checked {
    const int32_t *plan;
    int64_t words;
    const char *wrong;
} checked;

/* The floats of a buffer; -1 where there is no such buffer, or where it may not be written. */
static int64_t floats_of(const checked *all, int32_t buffer, int written)
{
    const int32_t inputs = all->plan[5], outputs = all->plan[6];
    if (buffer == 1)
        return all->plan[3];
    if (buffer == 0)
        return written ? -1 : all->plan[4];
    if (buffer < 2 || buffer - 2 >= inputs + outputs || (written && buffer - 2 < inputs))
        return -1;
    return all->plan[9 + (buffer - 2)];
}

static void refuse(checked *all, const char *reason)
{
    if (!all->wrong)
        all->wrong = reason;
}

/* Floats from `first` to `last` of a place, both counted from its offset. */
static void reach(checked *all, ssc_place place, int64_t first, int64_t last, int written)
{
    const int64_t floats = floats_of(all, place.buffer, written);
    if (floats < 0)
        refuse(all, "a step names a buffer that there is not, or writes one that is read only");
    else if (place.offset < 0 || first < -MOST_FLOATS || last > MOST_FLOATS || place.offset + first < 0 ||
             place.offset + last >= floats)
        refuse(all, "a step reaches beyond a buffer");
}

/* What a step writes: no float twice, so that the time of a run is bounded by the sizes of its buffers. */
static void writes(checked *all, ssc_place place, int64_t floats)
{
    if (floats > floats_of(all, place.buffer, 1))
        refuse(all, "a step writes more floats than its buffer has");
}

static int positive(checked *all, int32_t value)
{
    if (value < 1)
        refuse(all, "a size is below 1");
    return value >= 1;
}

/* A table of `count` words; returns it, or NULL. */
static const int32_t *table(checked *all, int32_t position, int64_t count)
{
    if (position < 0 || count < 0 || position > all->words || count > all->words - position) {
        refuse(all, "a table reaches beyond the plan");
        return NULL;
    }
    return all->plan + position;
}

typedef struct range {
    int64_t first, last;
} range;

/* The least and the largest offset of a table. */
static range extremes(const int32_t *offsets, int64_t count)
{
    range found = {offsets[0], offsets[0]};
    for (int64_t i = 1; i < count; i++) {
        found.first = offsets[i] < found.first ? offsets[i] : found.first;
        found.last = offsets[i] > found.last ? offsets[i] : found.last;
    }
    return found;
}

/* What offsets of a table reach, with more steps behind each. `most` is at most 2^62: both factors fit 31 bits. */
static void reach_from(checked *all, ssc_place place, range offsets, int64_t least, int64_t most, int written)
{
    if (least < -MOST_FLOATS || most > MOST_FLOATS)
        refuse(all, "a step reaches beyond a buffer");
    else
        reach(all, place, offsets.first + least, offsets.last + most, written);
}

/* The offsets that sizes and strides reach, from axis `from` on; 0 where there are none. */
static int box(checked *all, const ssc_sizes *sizes, int32_t from, const int32_t *strides, range *found)
{
    found->first = found->last = 0;
    for (int32_t i = from; i < sizes->rank; i++) {
        if (sizes->size[i] < 0)
            refuse(all, "a size is below 0");
        if (sizes->size[i] < 1)
            return 0;
        const int64_t step = (int64_t)strides[i] * (sizes->size[i] - 1);
        if (step > MOST_FLOATS || step < -MOST_FLOATS) {
            refuse(all, "a step reaches beyond a buffer");
            return 0;
        }
        *(step < 0 ? &found->first : &found->last) += step;
    }
    return 1;
}

static void reach_box(checked *all, ssc_place place, const ssc_sizes *sizes, const int32_t *strides, int written)
{
    range found;
    int64_t count = 1;
    for (int32_t i = 0; written && i < sizes->rank && count && count <= MOST_FLOATS; i++)
        count *= sizes->size[i] < 0 ? 0 : sizes->size[i];
    if (written)
        writes(all, place, count);
    if (box(all, sizes, 0, strides, &found))
        reach(all, place, found.first, found.last, written);
    else
        reach(all, place, 0, -1, written); /* nothing is touched, and the buffer has to be there all the same */
}

static void check_rows(checked *all, ssc_cursor *cursor)
{
    ssc_rows_step step;
    ssc_read_rows(cursor, &step);
    if (cursor->failed || !positive(all, step.groups) || !positive(all, step.m) || !positive(all, step.k) ||
        !positive(all, step.n) || !positive(all, step.tiles))
        return;
    const int64_t ins = (int64_t)step.groups * step.k, outs = (int64_t)step.groups * step.m;
    const int32_t *in = table(all, step.in, ins), *out = table(all, step.out, outs);
    const int64_t behind = step.tiles - 1;
    const int adds = step.add.buffer >= 0, masked = step.masks >= 0;
    if (step.x_step < 0 || step.y_step < 0 || step.add_step < 0 || step.mask_step < 0)
        refuse(all, "a step between tiles is below 0");
    if (!in || !out || all->wrong)
        return;
    reach_from(all, step.x, extremes(in, ins), 0, behind * step.x_step + step.n - 1, 0);
    reach_from(all, step.y, extremes(out, outs), 0, behind * step.y_step + step.n - 1, 1);
    const int64_t floats = (int64_t)step.tiles * step.n;
    writes(all, step.y, floats > MOST_FLOATS || outs > MOST_FLOATS ? MOST_FLOATS : floats * outs);
    const int64_t weights = outs * ((int64_t)step.k + 1);
    reach(all, step.weights, 0, weights > MOST_FLOATS ? MOST_FLOATS : weights - 1, 0);
    if (adds) {
        const int32_t *added = table(all, step.addoff, outs);
        if (added)
            reach_from(all, step.add, extremes(added, outs), 0, behind * step.add_step + step.n - 1, 0);
    }
    if (masked) {
        const int32_t *mask = table(all, step.mask, outs);
        if (!mask || !table(all, step.masks, step.mask_words))
            return;
        const range offsets = extremes(mask, outs);
        if (offsets.first < 0 || offsets.last + behind * step.mask_step + step.n > step.mask_words)
            refuse(all, "a mask reaches beyond its table");
    } else if (step.mask >= 0)
        refuse(all, "a step chooses masks and has none");
}

static void check_depthwise(checked *all, ssc_cursor *cursor)
{
    ssc_depthwise_step step;
    ssc_read_depthwise(cursor, &step);
    if (cursor->failed || !positive(all, step.channels) || !positive(all, step.taps) || !positive(all, step.rows) ||
        !positive(all, step.columns) || !positive(all, step.stride))
        return;
    const int32_t *in = table(all, step.in, step.channels), *out = table(all, step.out, step.channels);
    const int32_t *tap = table(all, step.tap, step.taps);
    if (step.x_pitch < 0 || step.y_pitch < 0 || step.stride > 0xffff)
        refuse(all, "a pitch or a stride is out of range");
    if (!in || !out || !tap || all->wrong)
        return;
    const range taps = extremes(tap, step.taps);
    const int64_t row = (int64_t)step.stride * step.x_pitch, down = step.rows - 1;
    if (row > MOST_FLOATS || down * row > MOST_FLOATS) {
        refuse(all, "a step reaches beyond a buffer");
        return;
    }
    const int64_t across = (int64_t)(step.columns - 1) * step.stride;
    reach_from(all, step.x, extremes(in, step.channels), taps.first, taps.last + down * row + across, 0);
    reach_from(all, step.y, extremes(out, step.channels), 0, down * step.y_pitch + step.columns - 1, 1);
    const int64_t floats = (int64_t)step.rows * step.columns;
    writes(all, step.y, floats > MOST_FLOATS ? MOST_FLOATS : floats * step.channels);
    const int64_t weights = (int64_t)step.channels * ((int64_t)step.taps + 1);
    reach(all, step.weights, 0, weights > MOST_FLOATS ? MOST_FLOATS : weights - 1, 0);
}

static void check_sums(checked *all, ssc_cursor *cursor)
{
    ssc_sums_step step;
    ssc_read_sums(cursor, &step);
    if (cursor->failed || !positive(all, step.m) || !positive(all, step.n) || !positive(all, step.tiles))
        return;
    const int32_t *in = table(all, step.in, step.m);
    if (step.x_step < 0)
        refuse(all, "a step between tiles is below 0");
    if (!in || all->wrong)
        return;
    reach_from(all, step.x, extremes(in, step.m), 0, (int64_t)(step.tiles - 1) * step.x_step + step.n - 1, 0);
    reach(all, step.y, 0, step.m - 1, 1);
}

static void check_box(checked *all, ssc_cursor *cursor, int32_t kind)
{
    ssc_box_step step;
    ssc_read_box(cursor, kind, &step);
    if (cursor->failed)
        return;
    if ((kind == SSC_STEP_MAP && (step.function < 0 || step.function >= SSC_FUNCTIONS)) ||
        (kind == SSC_STEP_PAIR && (step.function < 0 || step.function >= SSC_PAIRS))) {
        refuse(all, "a step has a function that there is not");
        return;
    }
    reach_box(all, step.y, &step.sizes, step.y_strides, 1);
    for (int32_t i = 0; i < step.reads; i++) {
        if (kind != SSC_STEP_MOVE || step.table < 0) {
            reach_box(all, step.read[i], &step.sizes, step.strides[i], 0);
            continue;
        }
        range found;
        const int32_t *offsets = step.sizes.rank < 1 ? NULL : table(all, step.table, step.sizes.size[0]);
        if (!offsets || step.sizes.size[0] < 1)
            refuse(all, "a table is given for no axis");
        else if (box(all, &step.sizes, 1, step.strides[i], &found))
            reach_from(all, step.read[i], extremes(offsets, step.sizes.size[0]), found.first, found.last, 0);
    }
}

static void check_reduce(checked *all, ssc_cursor *cursor)
{
    ssc_reduce_step step;
    range outer, inner;
    ssc_read_reduce(cursor, &step);
    if (cursor->failed)
        return;
    if (step.function < 0 || step.function >= SSC_REDUCTIONS)
        refuse(all, "a step has a function that there is not");
    reach_box(all, step.y, &step.outer, step.y_outer, 1);
    if (box(all, &step.outer, 0, step.x_outer, &outer) && box(all, &step.inner, 0, step.x_inner, &inner))
        reach_from(all, step.x, outer, inner.first, inner.last, 0);
    else
        reach(all, step.x, 0, -1, 0);
}

static void check_pool(checked *all, ssc_cursor *cursor)
{
    ssc_pool_step step;
    ssc_read_pool(cursor, &step);
    if (cursor->failed)
        return;
    const int32_t sizes[] = {step.n, step.c, step.oh, step.ow, step.h, step.w, step.kh, step.kw,
                             step.strides[0], step.strides[1], step.dilations[0], step.dilations[1]};
    const int32_t pads[] = {step.top, step.left, step.bottom, step.right};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (positive(all, sizes[i]) && sizes[i] > 0x7fff)
            refuse(all, "a size of a window or of its image is too large");
    for (size_t i = 0; i < sizeof pads / sizeof *pads; i++)
        if (pads[i] < 0 || pads[i] > 0x7fff)
            refuse(all, "padding is out of range");
    if (step.function != SSC_SUM && step.function != SSC_MOST)
        refuse(all, "a step has a function that there is not");
    if (all->wrong)
        return;
    const int32_t read[] = {step.n, step.c, step.h, step.w}, written[] = {step.n, step.c, step.oh, step.ow};
    const ssc_sizes image = {4, read}, result = {4, written};
    reach_box(all, step.x, &image, step.x_strides, 0);
    reach_box(all, step.y, &result, step.y_strides, 1);
}

static void check_matmul(checked *all, ssc_cursor *cursor)
{
    ssc_matmul_step step;
    ssc_read_matmul(cursor, &step);
    if (cursor->failed || !positive(all, step.m) || !positive(all, step.n) || !positive(all, step.k))
        return;
    if (step.k > 1 && !step.ak && !step.bk)
        refuse(all, "a product adds one number again and again");
    const struct {
        ssc_place place;
        const int32_t *strides;
        int32_t sizes[2], by[2];
    } matrices[] = {{step.a, step.a_strides, {step.m, step.k}, {step.ai, step.ak}},
                    {step.b, step.b_strides, {step.k, step.n}, {step.bk, step.bj}},
                    {step.y, step.y_strides, {step.m, step.n}, {step.yi, step.yj}}};
    for (int i = 0; i < 3; i++) {
        const ssc_sizes matrix = {2, matrices[i].sizes};
        range outer, inner;
        int64_t count = (int64_t)step.m * step.n;
        for (int32_t axis = 0; axis < step.sizes.rank && count && count <= MOST_FLOATS; axis++)
            count *= step.sizes.size[axis] < 0 ? 0 : step.sizes.size[axis];
        if (i == 2)
            writes(all, step.y, count);
        if (box(all, &step.sizes, 0, matrices[i].strides, &outer) && box(all, &matrix, 0, matrices[i].by, &inner))
            reach_from(all, matrices[i].place, outer, inner.first, inner.last, i == 2);
        else
            reach(all, matrices[i].place, 0, -1, i == 2);
    }
}

static void check_sample(checked *all, ssc_cursor *cursor)
{
    ssc_sample_step step;
    range rest;
    ssc_read_sample(cursor, &step);
    if (cursor->failed || !positive(all, step.taps) || !positive(all, step.sizes.rank) ||
        !positive(all, step.sizes.size[0]))
        return;
    const int64_t count = (int64_t)step.sizes.size[0] * step.taps;
    const int32_t *index = table(all, step.index, count);
    if (!index)
        return;
    reach(all, step.weights, 0, count - 1, 0);
    reach_box(all, step.y, &step.sizes, step.y_strides, 1);
    if (!box(all, &step.sizes, 1, step.x_strides, &rest))
        return;
    const range places = extremes(index, count);
    const int64_t first = places.first * step.x_strides[0], last = places.last * step.x_strides[0];
    const range along = {first < last ? first : last, first < last ? last : first};
    if (along.first < -MOST_FLOATS || along.last > MOST_FLOATS)
        refuse(all, "a step reaches beyond a buffer");
    else
        reach_from(all, step.x, along, rest.first, rest.last, 0);
}

static void check_step(checked *all, const int32_t *words)
{
    ssc_cursor cursor = {words + 2, words + words[1], 0};
    switch (words[0]) {
    case SSC_STEP_ROWS:
        check_rows(all, &cursor);
        break;
    case SSC_STEP_DEPTHWISE:
        check_depthwise(all, &cursor);
        break;
    case SSC_STEP_SUMS:
        check_sums(all, &cursor);
        break;
    case SSC_STEP_MOVE:
    case SSC_STEP_FILL:
    case SSC_STEP_MAP:
    case SSC_STEP_PAIR:
    case SSC_STEP_SELECT:
        check_box(all, &cursor, words[0]);
        break;
    case SSC_STEP_REDUCE:
        check_reduce(all, &cursor);
        break;
    case SSC_STEP_POOL:
        check_pool(all, &cursor);
        break;
    case SSC_STEP_MATMUL:
        check_matmul(all, &cursor);
        break;
    case SSC_STEP_SAMPLE:
        check_sample(all, &cursor);
        break;
    default:
        refuse(all, "a step is of a kind that this engine does not know");
    }
    if (cursor.failed || cursor.at != cursor.end)
        refuse(all, "a step has more or fewer words than its kind");
}

const char *ssc_plan_check(const int32_t *plan, size_t count)
{
    checked all = {plan, (int64_t)count, NULL};
    if (count < 9 || count > MOST_SIZE || plan[0] != SSC_PLAN_MAGIC)
        return "it is no plan";
    if (plan[1] != SSC_PLAN_VERSION)
        return "it is a plan of another version";
    if ((size_t)plan[2] != count)
        return "it is cut off";
    for (int i = 3; i < 9; i++)
        if (plan[i] < 0)
            return "a number of its header is below 0";
    const int64_t behind = 9 + (int64_t)plan[5] + plan[6];
    if (behind > all.words || plan[8] < behind || plan[8] > all.words)
        return "its header reaches beyond it";
    for (int64_t i = 9; i < behind; i++)
        if (plan[i] < 0)
            return "a number of its header is below 0";
    int64_t at = plan[8];
    for (int32_t i = 0; i < plan[7] && !all.wrong; i++) {
        if (all.words - at < 2 || plan[at + 1] < 2 || plan[at + 1] > all.words - at)
            return "its steps reach beyond it";
        check_step(&all, plan + at);
        at += plan[at + 1];
    }
    return all.wrong;
}
