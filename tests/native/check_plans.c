/* Runs plans from files, in buffers of exact sizes: four paths a line of standard input, of a plan, its weights, its
 * inputs one behind the other, and the outputs that are written. The arena holds NaN before. With an argument, so many
 * threads run each plan at the same time, and have to agree. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ssc_engine.h"

enum { MOST = 16 };

static void *read_file(const char *path, size_t *bytes)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END))
        exit(2);
    *bytes = (size_t)ftell(file);
    rewind(file);
    void *data = malloc(*bytes);
    if (fread(data, 1, *bytes, file) != *bytes)
        exit(2);
    fclose(file);
    return data;
}

typedef struct job {
    const int32_t *plan;
    const float *weights;
    const float *inputs[MOST];
    float *outputs[MOST];
    int32_t given, made;
} job;

static void *run(void *argument)
{
    job *one = argument;
    const size_t floats = ssc_plan_arena(one->plan);
    float *arena = malloc(floats * sizeof(float));
    memset(arena, 0xff, floats * sizeof(float));
    for (int32_t i = 0; i < one->made; i++)
        one->outputs[i] = malloc((size_t)one->plan[9 + one->given + i] * sizeof(float));
    ssc_plan_run(one->plan, one->weights, one->inputs, one->outputs, arena);
    free(arena);
    return NULL;
}

int main(int count, char **arguments)
{
    const int threads = count > 1 ? atoi(arguments[1]) : 1;
    char paths[4][1024];
    while (scanf("%1023s %1023s %1023s %1023s", paths[0], paths[1], paths[2], paths[3]) == 4) {
        size_t bytes[3];
        void *files[3];
        job jobs[MOST];
        pthread_t running[MOST];
        for (int i = 0; i < 3; i++)
            files[i] = read_file(paths[i], &bytes[i]);
        const int32_t *plan = files[0];
        const char *wrong = ssc_plan_check(plan, bytes[0] / sizeof(int32_t));
        if (wrong) {
            printf("%s: %s\n", paths[0], wrong);
            return 1;
        }
        job one = {.plan = plan, .weights = files[1], .given = plan[5], .made = plan[6]};
        const float *input = files[2];
        for (int32_t i = 0; i < one.given; i++) {
            const size_t size = (size_t)plan[9 + i];
            float *exact = malloc(size * sizeof(float));
            memcpy(exact, input, size * sizeof(float));
            one.inputs[i] = exact;
            input += size;
        }
        for (int t = 0; t < threads; t++)
            jobs[t] = one;
        for (int t = 1; t < threads; t++)
            pthread_create(&running[t], NULL, run, &jobs[t]);
        run(&jobs[0]);
        FILE *file = fopen(paths[3], "wb");
        for (int t = 1; t < threads; t++)
            pthread_join(running[t], NULL);
        for (int32_t i = 0; i < one.made; i++) {
            const size_t size = (size_t)plan[9 + one.given + i] * sizeof(float);
            for (int t = 1; t < threads; t++)
                if (memcmp(jobs[0].outputs[i], jobs[t].outputs[i], size))
                    return 3;
            fwrite(jobs[0].outputs[i], 1, size, file);
            for (int t = 0; t < threads; t++)
                free(jobs[t].outputs[i]);
        }
        fclose(file);
        for (int32_t i = 0; i < one.given; i++)
            free((void *)(size_t)one.inputs[i]);
        for (int i = 0; i < 3; i++)
            free(files[i]);
    }
    return 0;
}
