/* Holds the kernels of each instruction set to the plain C, by bytes, and the plain C to a reference in double.
 *
 * Shapes stand at the boundaries of every register tile. Each buffer ends where a page begins that cannot be touched;
 * in a second pass it begins behind one. What lies between the results keeps its bytes. The program prints the sets
 * that it ran, then the number of comparisons, and returns 1 at the first difference. ALSO names kernels to hold to the
 * plain C besides those that the dispatcher finds.
 */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernels.h"
#include "parallel.h"

#define CHECK(condition, ...)                                                                                          \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            printf("%s:%d: ", __FILE__, __LINE__);                                                                     \
            printf(__VA_ARGS__);                                                                                       \
            printf("\n");                                                                                              \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

enum { ROOM = 1 << 22, SENTINEL = 0x5AA55AA5 };
static long comparisons;

#ifdef ALSO
extern const ssc_kernels ALSO;
#endif

/* A buffer between two pages that cannot be touched. */
typedef struct buffer {
    char *begin;
} buffer;

static buffer room(void)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *memory = mmap(NULL, ROOM + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED, "no memory");
    CHECK(!mprotect(memory, page, PROT_NONE) && !mprotect(memory + page + ROOM, page, PROT_NONE), "no guard pages");
    return (buffer){memory + page};
}

/* `count` words of the buffer, at its end or at its begin. */
static void *words(buffer b, size_t count, int at_end)
{
    CHECK(count * 4 <= ROOM, "a buffer of %zu words is too small", count);
    return at_end ? b.begin + ROOM - count * 4 : b.begin;
}

static unsigned long long state = 1;

static unsigned draw(void)
{
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(state >> 33);
}

static int among(int n) { return (int)(draw() % (unsigned)n); }

/* Mostly ordinary numbers; with `odd` some of every other kind. */
static float number(int odd)
{
    static const float kinds[] = {0.0F, -0.0F, 1e-40F, -3e-45F, 1e-20F, 3e38F, -3e38F, INFINITY, -INFINITY, NAN};
    if (odd && among(8) == 0)
        return kinds[among(10)];
    return (float)((double)draw() / 1073741824.0 - 1.0) * (among(4) ? 1.0F : 1e-3F);
}

static void fill(float *p, size_t count, int odd)
{
    for (size_t i = 0; i < count; i++)
        p[i] = number(odd);
}

static void same(const char *what, const char *set, const float *expected, const float *found, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const int both_nan = isnan(expected[i]) && isnan(found[i]);
        CHECK(both_nan || !memcmp(expected + i, found + i, 4), "%s, %s: float %zu of %zu is %a instead of %a", what, set,
              i, count, (double)found[i], (double)expected[i]);
    }
    comparisons++;
}

static void sentinels(float *p, size_t count)
{
    const unsigned sentinel = SENTINEL;
    for (size_t i = 0; i < count; i++)
        memcpy(p + i, &sentinel, 4);
}

/* What each test does with one set: `found` of the set, `expected` of the plain C. */
static const ssc_kernels *sets[SSC_SETS + 1];
static int set_count;
static buffer in_x, in_w, in_add, in_mask, out_y, out_expected, table_in, table_out, table_add, table_mask;

static double reference_clip(double v, double low, double high)
{
    v = v < low ? low : v;
    return v > high ? high : v;
}

static void check_rows(int m, int k, int n, int tiles, int odd, int at_end)
{
    const int masked = among(2), added = among(3), bounds = among(4), scattered = among(2);
    const int gap = among(4); /* floats between the rows of each buffer */
    const int pitch = n + gap;
    const size_t x_count = (size_t)(k ? ((tiles * k - 1) * pitch + n + (scattered ? 3 : 0)) : n);
    const size_t y_count = (size_t)(m ? (tiles * m - 1) * pitch + n : 0);
    float *x = words(in_x, x_count, at_end), *w = words(in_w, ssc_rows_packed(m, k), at_end);
    float *addend = words(in_add, y_count, at_end);
    float *expected = words(out_expected, y_count, at_end), *y = words(out_y, y_count, at_end);
    int32_t *in = words(table_in, (size_t)k, at_end), *out = words(table_out, (size_t)m, at_end);
    int32_t *add = words(table_add, (size_t)m, at_end), *mask = words(table_mask, (size_t)m, at_end);
    uint32_t *masks = words(in_mask, (size_t)n * 3, at_end);
    float *plain = malloc(sizeof(float) * (size_t)(m * k + 1)), *bias = malloc(sizeof(float) * (size_t)(m + 1));

    fill(x, x_count, odd);
    fill(plain, (size_t)(m * k), odd);
    fill(bias, (size_t)m, odd);
    fill(addend, y_count, odd);
    for (int i = 0; i < 3 * n; i++)
        masks[i] = i < n || among(3) ? 0xFFFFFFFFU : 0;
    for (int j = 0; j < k; j++)
        in[j] = j * pitch + (scattered ? among(4) : 0);
    if (k && scattered) /* the last float of x is read, by the last tile */
        in[k - 1] = (k - 1) * pitch + 3;
    for (int i = 0; i < m; i++) /* the rows of the result in reverse order: a shuffle */
        out[i] = (scattered ? m - 1 - i : i) * pitch, add[i] = i * pitch, mask[i] = among(3) * n;
    if (added == 2) /* in place */
        memcpy(add, out, sizeof(int32_t) * (size_t)m);
    ssc_rows_pack(m, k, plain, bias, w);
    const ssc_rows shape = {m,
                            k,
                            n,
                            tiles,
                            (ptrdiff_t)k * pitch,
                            (ptrdiff_t)m * pitch,
                            (ptrdiff_t)m * pitch,
                            0,
                            in,
                            added ? add : NULL,
                            out,
                            masked ? mask : NULL,
                            masked ? masks : NULL,
                            bounds == 0 ? -INFINITY : 0.0F,
                            bounds == 2 ? 0.25F : INFINITY};

    sentinels(expected, y_count);
    if (added == 2)
        memcpy(expected, addend, sizeof(float) * y_count);
    ssc_kernels_for(SSC_SCALAR)->rows(&shape, w, x, added == 2 ? expected : addend, expected);
    for (int set = 0; set < set_count; set++) {
        sentinels(y, y_count);
        if (added == 2)
            memcpy(y, addend, sizeof(float) * y_count);
        sets[set]->rows(&shape, w, x, added == 2 ? y : addend, y);
        char what[96];
        snprintf(what, sizeof what, "rows m=%d k=%d n=%d tiles=%d added=%d masked=%d", m, k, n, tiles, added, masked);
        same(what, sets[set]->name, expected, y, y_count);
    }
    for (int t = 0; t < tiles && !odd; t++)
        for (int i = 0; i < m; i++)
            for (int s = 0; s < n; s++) {
                double v = bias[i], terms = fabs((double)bias[i]);
                for (int j = 0; j < k; j++) {
                    const double term = (double)plain[i * k + j] * (double)x[t * shape.x_step + in[j] + s];
                    v += term, terms += fabs(term);
                }
                const double other = added ? (double)addend[t * shape.add_step + add[i] + s] : 0;
                v = reference_clip(v + other, (double)shape.low, (double)shape.high);
                if (masked && !masks[mask[i] + s])
                    v = 0;
                const double bound = (k + 2) * 0x1p-24 * (terms + fabs(other)) + 0x1p-149;
                const double found = (double)expected[t * shape.y_step + out[i] + s];
                CHECK(fabs(found - v) <= bound, "rows m=%d k=%d n=%d: %g instead of %g", m, k, n, found, v);
            }
    free(plain);
    free(bias);
}

static void check_depthwise(int rows, int columns, int window, int stride, int dilation, int odd, int at_end)
{
    const int channels = 1 + among(3), taps = window * window, reach = (window - 1) * dilation + 1;
    const int pitch = (columns - 1) * stride + reach + among(3), y_pitch = columns + among(3);
    const int plane = ((rows - 1) * stride + reach) * pitch, y_plane = rows * y_pitch;
    const size_t x_count = (size_t)(channels * plane - pitch + (columns - 1) * stride + reach);
    const size_t y_count = (size_t)(channels * y_plane - y_pitch + columns);
    float *x = words(in_x, x_count, at_end), *w = words(in_w, (size_t)(channels * (taps + 1)), at_end);
    float *expected = words(out_expected, y_count, at_end), *y = words(out_y, y_count, at_end);
    int32_t *tap = words(table_add, (size_t)taps, at_end), *in = words(table_in, (size_t)channels, at_end);
    int32_t *out = words(table_out, (size_t)channels, at_end);
    fill(x, x_count, odd);
    fill(w, (size_t)(channels * (taps + 1)), odd);
    for (int t = 0; t < taps; t++)
        tap[t] = t / window * dilation * pitch + t % window * dilation;
    for (int c = 0; c < channels; c++)
        in[c] = c * plane, out[c] = (channels - 1 - c) * y_plane;
    const ssc_depthwise shape = {channels, taps, rows, columns, stride, pitch, y_pitch, tap, in, out,
                                 among(2) ? 0.0F : -INFINITY, among(2) ? 0.5F : INFINITY};
    sentinels(expected, y_count);
    ssc_kernels_for(SSC_SCALAR)->depthwise(&shape, w, x, expected);
    for (int set = 0; set < set_count; set++) {
        sentinels(y, y_count);
        sets[set]->depthwise(&shape, w, x, y);
        char what[96];
        snprintf(what, sizeof what, "depthwise %dx%d window %d stride %d dilation %d", rows, columns, window, stride,
                 dilation);
        same(what, sets[set]->name, expected, y, y_count);
    }
    for (int c = 0; c < channels && !odd; c++)
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++) {
                double v = (double)w[c * (taps + 1)], terms = fabs(v);
                for (int a = 0; a < window; a++)
                    for (int b = 0; b < window; b++) {
                        const int at = c * plane + (i * stride + a * dilation) * pitch + j * stride + b * dilation;
                        const double term = (double)w[c * (taps + 1) + 1 + a * window + b] * (double)x[at];
                        v += term, terms += fabs(term);
                    }
                v = reference_clip(v, (double)shape.low, (double)shape.high);
                const double found = (double)expected[out[c] + i * y_pitch + j];
                CHECK(fabs(found - v) <= (taps + 1) * 0x1p-24 * terms + 0x1p-149, "depthwise: %g instead of %g", found, v);
            }
}

static void check_sums(int m, int n, int tiles, int odd, int at_end)
{
    const int pitch = n + among(3);
    const size_t count = (size_t)((tiles * m - 1) * pitch + n);
    float *x = words(in_x, count, at_end), *y = words(out_y, (size_t)m, at_end);
    float *expected = words(out_expected, (size_t)m, at_end);
    int32_t *in = words(table_in, (size_t)m, at_end);
    fill(x, count, odd);
    for (int i = 0; i < m; i++)
        in[i] = (m - 1 - i) * pitch;
    const ssc_sums shape = {m, n, tiles, (ptrdiff_t)m * pitch, in, n && among(2) ? (float)(n * tiles) : 1.0F};
    ssc_kernels_for(SSC_SCALAR)->sums(&shape, x, expected);
    for (int set = 0; set < set_count; set++) {
        sentinels(y, (size_t)m);
        sets[set]->sums(&shape, x, y);
        same("sums", sets[set]->name, expected, y, (size_t)m);
    }
    for (int i = 0; i < m && !odd; i++) {
        double v = 0, terms = 0;
        for (int t = 0; t < tiles; t++)
            for (int s = 0; s < n; s++) {
                const double term = (double)x[t * m * pitch + in[i] + s];
                v += term, terms += fabs(term);
            }
        const double bound = (n * tiles / 16.0 + 6) * 0x1p-24 * terms / (double)shape.divisor + 0x1p-149;
        CHECK(fabs((double)expected[i] - v / (double)shape.divisor) <= bound, "sums n=%d: %g instead of %g", n,
              (double)expected[i], v / (double)shape.divisor);
    }
}

static void check_elementwise(int n, int in_place, int at_end)
{
    const size_t count = (size_t)n;
    float *a = words(in_x, count, at_end), *b = words(in_add, count, at_end), *y = words(out_y, count, at_end);
    float *expected = words(out_expected, count, at_end);
    const float low = among(2) ? 0.0F : -INFINITY, high = among(2) ? 0.5F : INFINITY;
    fill(a, count, 1);
    fill(b, count, 1);
    for (int set = 0; set < set_count && n; set++) {
        float *twice = words(in_w, 2 * count - 1, at_end);
        fill(twice, 2 * count - 1, 1);
        sentinels(y, count);
        sets[set]->halve(n, twice, y);
        for (int s = 0; s < n; s++)
            CHECK(!memcmp(y + s, twice + 2 * s, 4), "halve of %d, %s: float %d", n, sets[set]->name, s);
        comparisons++;
    }
    for (int what = 0; what < 3; what++)
        for (int set = 0; set < set_count; set++) {
            const ssc_kernels *plain = ssc_kernels_for(SSC_SCALAR), *kernels = sets[set];
            const float *first = in_place ? y : a;
            sentinels(y, count);
            if (in_place)
                memcpy(y, a, count * 4);
            if (what == 0)
                plain->add(n, a, b, low, high, expected), kernels->add(n, first, b, low, high, y);
            else if (what == 1)
                plain->multiply(n, a, b, low, high, expected), kernels->multiply(n, first, b, low, high, y);
            else
                plain->clip(n, a, low, high, expected), kernels->clip(n, first, low, high, y);
            same("elementwise", kernels->name, expected, y, count);
            for (int s = 0; s < n; s++) {
                const float sum = a[s] + b[s], product = a[s] * b[s];
                const float v = what == 0 ? sum : what == 1 ? product : a[s];
                const float wanted = isnan(v) || (v >= low && v <= high) ? v : v < low ? low : high;
                same("elementwise, by definition", "scalar", &wanted, expected + s, 1);
            }
        }
}

/* A parallel-for that takes the last part first, and notes how many there were. */
static void backwards(void *context, int32_t count, void (*part)(void *argument, int32_t i), void *argument)
{
    *(int32_t *)context = count;
    for (int32_t i = count; i > 0; i--)
        part(argument, i - 1);
}

/* The same bytes for every number of threads; returns the number of parts. */
static int32_t check_threads(int groups, int m, int k, int n, int tiles, int32_t threads, int at_end)
{
    const size_t x_count = (size_t)(groups * tiles * k * n), y_count = (size_t)(groups * tiles * m * n);
    const size_t rows = (size_t)(groups * m);
    float *x = words(in_x, x_count, at_end), *w = words(in_w, rows * (size_t)(k + 1), at_end);
    float *expected = words(out_expected, y_count, at_end), *y = words(out_y, y_count, at_end);
    int32_t *in = words(table_in, (size_t)(groups * k), at_end), *out = words(table_out, rows, at_end);
    int32_t *mask = words(table_mask, rows, at_end);
    uint32_t *masks = words(in_mask, (size_t)(n * tiles), at_end);
    const int added = among(2), masked = among(2);
    fill(x, x_count, 0);
    fill(w, rows * (size_t)(k + 1), 0);
    for (int i = 0; i < n * tiles; i++)
        masks[i] = among(4) ? 0xFFFFFFFFU : 0;
    for (int i = 0; i < groups * k; i++)
        in[i] = i * n;
    for (int i = 0; i < groups * m; i++)
        out[i] = (groups * m - 1 - i) * n, mask[i] = 0;
    const ssc_rows shape = {m, k, n, tiles, (ptrdiff_t)groups * k * n, (ptrdiff_t)groups * m * n,
                            (ptrdiff_t)groups * m * n, n, in, added ? out : NULL, out, masked ? mask : NULL,
                            masked ? masks : NULL, 0, INFINITY};
    int32_t parts = 1;
    const ssc_parallel parallel = {backwards, &parts, threads};
    fill(expected, y_count, 0);
    memcpy(y, expected, y_count * 4);
    const ssc_kernels *kernels = sets[set_count - 1];
    ssc_rows_of_groups(kernels, NULL, groups, &shape, w, x, expected, expected);
    ssc_rows_of_groups(kernels, &parallel, groups, &shape, w, x, y, y);
    char what[96];
    snprintf(what, sizeof what, "%d threads, %d groups m=%d k=%d n=%d tiles=%d", threads, groups, m, k, n, tiles);
    same(what, kernels->name, expected, y, y_count);
    CHECK(parts <= threads, "%s: %d parts", what, parts);
    return parts;
}

int main(void)
{
    buffer *buffers[] = {&in_x,         &in_w,     &in_add,    &in_mask,   &out_y,
                         &out_expected, &table_in, &table_out, &table_add, &table_mask};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        *buffers[i] = room();
    for (int set = 0; set < SSC_SETS; set++)
        if (ssc_kernels_for((ssc_set)set))
            sets[set_count++] = ssc_kernels_for((ssc_set)set);
#ifdef ALSO
    sets[set_count++] = &ALSO;
#endif
    for (int set = 0; set < set_count; set++)
        printf("%s\n", sets[set]->name);

    const int widths[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 81, 127, 130};
    for (int at_end = 0; at_end < 2; at_end++)
        for (int odd = 0; odd < 2; odd++) {
            for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
                for (int m = 1; m <= 13; m++) {
                    const int products[] = {0, 1, 2, 3, 9, 40, 1 + among(40)};
                    for (int k = 0; k < 7; k++)
                        check_rows(m, products[k], widths[i], 1 + among(3), odd, at_end);
                }
            for (int k = 0; k <= 40; k++)
                check_rows(10, k, 30, 2, odd, at_end);
            check_rows(54, 54, 64, 3, odd, at_end);
            for (int columns = 1; columns <= 70; columns++)
                for (int stride = 1; stride <= 3; stride++) {
                    check_depthwise(1 + among(9), columns, 3, stride, 1, odd, at_end);
                    check_depthwise(1 + among(5), columns, 1 + among(5), stride, 1 + among(2), odd, at_end);
                }
            for (int32_t threads = 1; threads <= 5; threads++) {
                check_threads(1, 7, 3, 100, 1, threads, at_end); /* too little work */
                CHECK(check_threads(1, 54, 54, 64, 2 * threads, threads, at_end) == threads, "not by tiles");
                CHECK(check_threads(1, 31, 30, 700, 1, threads, at_end) == threads, "not by columns");
                CHECK(check_threads(9, 36, 40, 45, 1, threads, at_end) == threads, "not by groups");
                CHECK(check_threads(1, 200, 70, 45, 1, threads, at_end) == threads, "not by rows");
                check_threads(1 + among(3), 1 + among(60), 1 + among(60), 1 + among(200), 1 + among(3), threads, at_end);
            }
            for (int n = 0; n <= 70; n++)
                check_sums(1 + among(4), n, 1 + among(3), odd, at_end);
            for (int n = 0; n <= 70; n++)
                check_elementwise(n, odd, at_end);
        }
    printf("%ld comparisons\n", comparisons);
    return 0;
}
