/* Runs the steps of a checked plan, one after the other. */
#include "ssc_engine.h"

#include "generic.h"
#include "kernels.h"
#include "steps.h"

/* Words of the header, and where the sizes of inputs and outputs begin. */
enum { ARENA = 3, INPUTS = 5, STEPS = 7, FIRST = 8 };

typedef struct buffers {
    const int32_t *plan;
    const float *weights;
    const float *const *inputs;
    float *const *outputs;
    float *arena;
} buffers;

/* The memory of a place that is written: the arena or an output. */
static float *target(const buffers *all, ssc_place place)
{
    const int32_t inputs = all->plan[INPUTS];
    float *const base = place.buffer == 1 ? all->arena : all->outputs[place.buffer - 2 - inputs];
    return base + place.offset;
}

static const float *source(const buffers *all, ssc_place place)
{
    const int32_t inputs = all->plan[INPUTS];
    if (place.buffer == 0)
        return all->weights + place.offset;
    if (place.buffer >= 2 && place.buffer < 2 + inputs)
        return all->inputs[place.buffer - 2] + place.offset;
    return target(all, place);
}

static const int32_t *table(const buffers *all, int32_t position)
{
    return position < 0 ? NULL : all->plan + position;
}

static void run_rows(const buffers *all, const ssc_machine *machine, ssc_cursor *cursor)
{
    ssc_rows_step step;
    ssc_rows shape;
    ssc_read_rows(cursor, &step);
    const float *weights = source(all, step.weights), *x = source(all, step.x);
    const float *addend = step.add.buffer < 0 ? NULL : source(all, step.add);
    float *y = target(all, step.y);
    shape.m = step.m;
    shape.k = step.k;
    shape.n = step.n;
    shape.tiles = step.tiles;
    shape.x_step = step.x_step;
    shape.add_step = step.add_step;
    shape.y_step = step.y_step;
    shape.mask_step = step.mask_step;
    shape.in = table(all, step.in);
    shape.add = addend ? table(all, step.addoff) : NULL;
    shape.out = table(all, step.out);
    shape.mask = table(all, step.mask);
    /* Signed and unsigned words of one size may be read through either type. */
    shape.masks = (const uint32_t *)(const void *)table(all, step.masks);
    shape.low = step.low;
    shape.high = step.high;
    ssc_rows_of_groups(machine->kernels, machine->parallel, step.groups, &shape, weights, x, addend, y);
}

static void run_depthwise(const buffers *all, const ssc_machine *machine, ssc_cursor *cursor)
{
    ssc_depthwise_step step;
    ssc_depthwise shape;
    ssc_read_depthwise(cursor, &step);
    shape.channels = step.channels;
    shape.taps = step.taps;
    shape.rows = step.rows;
    shape.columns = step.columns;
    shape.stride = step.stride;
    shape.x_pitch = step.x_pitch;
    shape.y_pitch = step.y_pitch;
    shape.tap = table(all, step.tap);
    shape.in = table(all, step.in);
    shape.out = table(all, step.out);
    shape.low = step.low;
    shape.high = step.high;
    ssc_depthwise_of_channels(machine->kernels, machine->parallel, &shape, source(all, step.weights), source(all, step.x),
                              target(all, step.y));
}

static void run_sums(const buffers *all, const ssc_kernels *kernels, ssc_cursor *cursor)
{
    ssc_sums_step step;
    ssc_sums shape;
    ssc_read_sums(cursor, &step);
    shape.m = step.m;
    shape.n = step.n;
    shape.tiles = step.tiles;
    shape.x_step = step.x_step;
    shape.in = table(all, step.in);
    shape.divisor = step.divisor;
    kernels->sums(&shape, source(all, step.x), target(all, step.y));
}

static void run_box(const buffers *all, const ssc_kernels *kernels, ssc_cursor *cursor, int32_t kind)
{
    ssc_box_step step;
    const float *read[3] = {NULL, NULL, NULL};
    ssc_read_box(cursor, kind, &step);
    for (int32_t i = 0; i < step.reads; i++)
        read[i] = source(all, step.read[i]);
    float *y = target(all, step.y);
    if (kind == SSC_STEP_MOVE)
        ssc_move(&step, kernels, table(all, step.table), read[0], y);
    else if (kind == SSC_STEP_FILL)
        ssc_fill(&step, y);
    else if (kind == SSC_STEP_MAP)
        ssc_map(&step, kernels, read[0], y);
    else if (kind == SSC_STEP_PAIR)
        ssc_pairs(&step, kernels, read[0], read[1], y);
    else
        ssc_select(&step, read[0], read[1], read[2], y);
}

static void run_step(const buffers *all, const ssc_machine *machine, const int32_t *words)
{
    ssc_cursor cursor = {words + 2, words + words[1], 0};
    switch (words[0]) {
    case SSC_STEP_ROWS:
        run_rows(all, machine, &cursor);
        break;
    case SSC_STEP_DEPTHWISE:
        run_depthwise(all, machine, &cursor);
        break;
    case SSC_STEP_SUMS:
        run_sums(all, machine->kernels, &cursor);
        break;
    case SSC_STEP_REDUCE: {
        ssc_reduce_step step;
        ssc_read_reduce(&cursor, &step);
        ssc_reduce(&step, source(all, step.x), target(all, step.y));
        break;
    }
    case SSC_STEP_POOL: {
        ssc_pool_step step;
        ssc_read_pool(&cursor, &step);
        ssc_pool(&step, source(all, step.x), target(all, step.y));
        break;
    }
    case SSC_STEP_MATMUL: {
        ssc_matmul_step step;
        ssc_read_matmul(&cursor, &step);
        ssc_matmul(&step, source(all, step.a), source(all, step.b), target(all, step.y));
        break;
    }
    case SSC_STEP_SAMPLE: {
        ssc_sample_step step;
        ssc_read_sample(&cursor, &step);
        ssc_sample(&step, table(all, step.index), source(all, step.weights), source(all, step.x), target(all, step.y));
        break;
    }
    default:
        run_box(all, machine->kernels, &cursor, words[0]);
    }
}

size_t ssc_plan_arena(const int32_t *plan) { return (size_t)plan[ARENA]; }

size_t ssc_plan_steps(const int32_t *plan) { return (size_t)plan[STEPS]; }

void ssc_plan_run_on(const ssc_machine *machine, const int32_t *plan, const float *weights, const float *const *inputs,
                     float *const *outputs, float *arena, size_t first, size_t count)
{
    const buffers all = {plan, weights, inputs, outputs, arena};
    const int32_t *step = plan + plan[FIRST];
    const size_t steps = ssc_plan_steps(plan);
    const size_t behind = first > steps || count > steps - first ? steps : first + count;
    for (size_t i = 0; i < behind; i++, step += step[1])
        if (i >= first)
            run_step(&all, machine, step);
}

void ssc_plan_run_steps(const int32_t *plan, const float *weights, const float *const *inputs, float *const *outputs,
                        float *arena, size_t first, size_t count)
{
    const ssc_machine machine = {ssc_kernels_best(), NULL};
    ssc_plan_run_on(&machine, plan, weights, inputs, outputs, arena, first, count);
}

void ssc_plan_run(const int32_t *plan, const float *weights, const float *const *inputs, float *const *outputs, float *arena)
{
    ssc_plan_run_steps(plan, weights, inputs, outputs, arena, 0, ssc_plan_steps(plan));
}
