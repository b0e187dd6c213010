/* Reads the words of each kind of step, in the order that ssc_engine.h lists. */
#include "steps.h"

#include <string.h>

static int32_t word(ssc_cursor *cursor)
{
    if (cursor->at >= cursor->end) {
        cursor->failed = 1;
        return 0;
    }
    return *cursor->at++;
}

static float number(ssc_cursor *cursor)
{
    const int32_t bits = word(cursor);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static ssc_place place(ssc_cursor *cursor)
{
    ssc_place read;
    read.buffer = word(cursor);
    read.offset = word(cursor);
    return read;
}

/* `count` words that stay where they are. */
static const int32_t *list(ssc_cursor *cursor, int32_t count)
{
    static const int32_t none[SSC_RANK] = {0};
    if (cursor->failed || count < 0 || count > cursor->end - cursor->at) {
        cursor->failed = 1;
        return none;
    }
    const int32_t *first = cursor->at;
    cursor->at += count;
    return first;
}

static ssc_sizes sizes(ssc_cursor *cursor)
{
    ssc_sizes read;
    read.rank = word(cursor);
    if (read.rank < 0 || read.rank > SSC_RANK) {
        cursor->failed = 1;
        read.rank = 0;
    }
    read.size = list(cursor, read.rank);
    return read;
}

void ssc_read_rows(ssc_cursor *cursor, ssc_rows_step *step)
{
    step->groups = word(cursor);
    step->m = word(cursor);
    step->k = word(cursor);
    step->n = word(cursor);
    step->tiles = word(cursor);
    step->x = place(cursor);
    step->x_step = word(cursor);
    step->add = place(cursor);
    step->add_step = word(cursor);
    step->y = place(cursor);
    step->y_step = word(cursor);
    step->weights = place(cursor);
    step->in = word(cursor);
    step->out = word(cursor);
    step->addoff = word(cursor);
    step->mask = word(cursor);
    step->masks = word(cursor);
    step->mask_step = word(cursor);
    step->mask_words = word(cursor);
    step->low = number(cursor);
    step->high = number(cursor);
}

void ssc_read_depthwise(ssc_cursor *cursor, ssc_depthwise_step *step)
{
    step->channels = word(cursor);
    step->taps = word(cursor);
    step->rows = word(cursor);
    step->columns = word(cursor);
    step->stride = word(cursor);
    step->x_pitch = word(cursor);
    step->y_pitch = word(cursor);
    step->x = place(cursor);
    step->y = place(cursor);
    step->weights = place(cursor);
    step->tap = word(cursor);
    step->in = word(cursor);
    step->out = word(cursor);
    step->low = number(cursor);
    step->high = number(cursor);
}

void ssc_read_sums(ssc_cursor *cursor, ssc_sums_step *step)
{
    step->m = word(cursor);
    step->n = word(cursor);
    step->tiles = word(cursor);
    step->x = place(cursor);
    step->x_step = word(cursor);
    step->y = place(cursor);
    step->in = word(cursor);
    step->divisor = number(cursor);
}

void ssc_read_box(ssc_cursor *cursor, int32_t kind, ssc_box_step *step)
{
    memset(step, 0, sizeof *step);
    step->table = -1;
    step->reads = kind == SSC_STEP_FILL ? 0 : kind == SSC_STEP_PAIR ? 2 : kind == SSC_STEP_SELECT ? 3 : 1;
    if (kind == SSC_STEP_MAP || kind == SSC_STEP_PAIR)
        step->function = word(cursor);
    step->sizes = sizes(cursor);
    for (int32_t i = 0; i < step->reads; i++)
        step->read[i] = place(cursor);
    step->y = place(cursor);
    if (kind == SSC_STEP_MOVE)
        step->table = word(cursor);
    if (kind == SSC_STEP_FILL || kind == SSC_STEP_MAP || kind == SSC_STEP_PAIR)
        step->p = number(cursor);
    if (kind == SSC_STEP_MAP || kind == SSC_STEP_PAIR)
        step->q = number(cursor);
    for (int32_t i = 0; i < step->reads; i++)
        step->strides[i] = list(cursor, step->sizes.rank);
    step->y_strides = list(cursor, step->sizes.rank);
}

void ssc_read_reduce(ssc_cursor *cursor, ssc_reduce_step *step)
{
    step->function = word(cursor);
    step->outer = sizes(cursor);
    step->inner = sizes(cursor);
    step->x = place(cursor);
    step->y = place(cursor);
    step->divisor = number(cursor);
    step->x_outer = list(cursor, step->outer.rank);
    step->y_outer = list(cursor, step->outer.rank);
    step->x_inner = list(cursor, step->inner.rank);
}

void ssc_read_pool(ssc_cursor *cursor, ssc_pool_step *step)
{
    step->function = word(cursor);
    step->counted = word(cursor);
    step->n = word(cursor);
    step->c = word(cursor);
    step->oh = word(cursor);
    step->ow = word(cursor);
    step->h = word(cursor);
    step->w = word(cursor);
    step->kh = word(cursor);
    step->kw = word(cursor);
    for (int i = 0; i < 2; i++)
        step->strides[i] = word(cursor);
    for (int i = 0; i < 2; i++)
        step->dilations[i] = word(cursor);
    step->top = word(cursor);
    step->left = word(cursor);
    step->bottom = word(cursor);
    step->right = word(cursor);
    step->x = place(cursor);
    step->y = place(cursor);
    step->x_strides = list(cursor, 4);
    step->y_strides = list(cursor, 4);
}

void ssc_read_matmul(ssc_cursor *cursor, ssc_matmul_step *step)
{
    step->sizes = sizes(cursor);
    step->m = word(cursor);
    step->n = word(cursor);
    step->k = word(cursor);
    step->a = place(cursor);
    step->b = place(cursor);
    step->y = place(cursor);
    step->a_strides = list(cursor, step->sizes.rank);
    step->b_strides = list(cursor, step->sizes.rank);
    step->y_strides = list(cursor, step->sizes.rank);
    step->ai = word(cursor);
    step->ak = word(cursor);
    step->bk = word(cursor);
    step->bj = word(cursor);
    step->yi = word(cursor);
    step->yj = word(cursor);
}

void ssc_read_sample(ssc_cursor *cursor, ssc_sample_step *step)
{
    step->sizes = sizes(cursor);
    step->taps = word(cursor);
    step->index = word(cursor);
    step->weights = place(cursor);
    step->x = place(cursor);
    step->y = place(cursor);
    step->x_strides = list(cursor, step->sizes.rank);
    step->y_strides = list(cursor, step->sizes.rank);
}
