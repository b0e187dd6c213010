/* The layers of a network follow each other within microseconds, so a thread that has nothing to do looks for work for a
 * while before it sleeps. */
#define _POSIX_C_SOURCE 200809L
#include "ssc_threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { LOOKS = 20000 }; /* before a thread sleeps: some 50 to 100 microseconds */

typedef void ssc_part(void *argument, int32_t i);

struct ssc_threads {
    ssc_parallel lent;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    atomic_uint job;     /* how many jobs there were; it changes when one begins */
    atomic_int working;  /* threads that have not finished the job */
    atomic_int ending;
    int sleeping;        /* under the lock */
    /* The job: written before `job` changes, read after. */
    ssc_part *part;
    void *argument;
    int32_t count;
    int32_t started;
    struct worker {
        struct ssc_threads *pool;
        pthread_t thread;
        int32_t number;
    } workers[];
};

static void pause_briefly(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Waits for a job other than `last`; returns its number. */
static unsigned next_job(ssc_threads *pool, unsigned last)
{
    for (int look = 0; look < LOOKS; look++) {
        const unsigned job = atomic_load_explicit(&pool->job, memory_order_acquire);
        if (job != last)
            return job;
        pause_briefly();
    }
    pthread_mutex_lock(&pool->lock);
    pool->sleeping++;
    while (atomic_load(&pool->job) == last)
        pthread_cond_wait(&pool->wake, &pool->lock);
    pool->sleeping--;
    pthread_mutex_unlock(&pool->lock);
    return atomic_load(&pool->job);
}

static void *work(void *given)
{
    struct worker *self = given;
    ssc_threads *pool = self->pool;
    for (unsigned last = 0;;) {
        last = next_job(pool, last);
        if (atomic_load(&pool->ending))
            return NULL;
        if (self->number < pool->count)
            pool->part(pool->argument, self->number);
        atomic_fetch_sub_explicit(&pool->working, 1, memory_order_release);
    }
}

/* A new job: every thread that looks or sleeps finds it. */
static void announce(ssc_threads *pool)
{
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add_explicit(&pool->job, 1, memory_order_release);
    if (pool->sleeping)
        pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
}

/* The parallel-for: part 0 runs here, part i on thread i. */
static void run(void *context, int32_t count, ssc_part *part, void *argument)
{
    ssc_threads *pool = context;
    pool->part = part;
    pool->argument = argument;
    pool->count = count;
    atomic_store_explicit(&pool->working, pool->started, memory_order_relaxed);
    announce(pool);
    part(argument, 0);
    for (int32_t i = pool->started + 1; i < count; i++)
        part(argument, i);
    for (int look = 0; atomic_load_explicit(&pool->working, memory_order_acquire);) {
        if (look < LOOKS) {
            look++;
            pause_briefly();
            continue;
        }
        sched_yield(); /* a thread of the pool may wait for this processor */
    }
}

ssc_threads *ssc_threads_start(int32_t threads)
{
    const int32_t others = threads > 1 ? threads - 1 : 0;
    ssc_threads *pool = calloc(1, sizeof *pool + (size_t)others * sizeof *pool->workers);
    if (!pool)
        return NULL;
    if (pthread_mutex_init(&pool->lock, NULL)) {
        free(pool);
        return NULL;
    }
    if (pthread_cond_init(&pool->wake, NULL)) {
        pthread_mutex_destroy(&pool->lock);
        free(pool);
        return NULL;
    }
    pool->lent = (ssc_parallel){run, pool, others + 1};
    for (; pool->started < others; pool->started++) {
        struct worker *worker = &pool->workers[pool->started];
        worker->pool = pool;
        worker->number = pool->started + 1;
        if (pthread_create(&worker->thread, NULL, work, worker)) {
            ssc_threads_stop(pool);
            return NULL;
        }
    }
    return pool;
}

const ssc_parallel *ssc_threads_lent(const ssc_threads *pool) { return &pool->lent; }

void ssc_threads_stop(ssc_threads *pool)
{
    if (!pool)
        return;
    atomic_store(&pool->ending, 1);
    announce(pool);
    for (int32_t i = 0; i < pool->started; i++)
        pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}
