/* Functions of one number, computed in double by additions, products and quotients alone, and rounded once by the caller:
 * the same bits on every processor. Against the exact value each is within 0.501 ULP of a float, which
 * tests/native/test_functions.py measures. They need no library. */
#ifndef SSC_FUNCTIONS_H
#define SSC_FUNCTIONS_H

#include <stdint.h>
#include <string.h>

static inline double ssc_from_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint64_t ssc_to_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* e to the power x. Beyond the range of floats it gives what rounds to infinity or to 0. */
static inline double ssc_exp(double x)
{
    if (x != x)
        return x;
    if (x > 200)
        x = 200;
    if (x < -200)
        x = -200;
    const double turns = x * 1.4426950408889634;
    const int32_t n = (int32_t)(turns < 0 ? turns - 0.5 : turns + 0.5);
    /* ln 2 in two parts, the first with few bits: n times it is exact. */
    const double r = (x - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10;
    double sum = 1.0 / 6227020800.0; /* Taylor's series up to r^13; |r| is at most 0.347 */
    static const double factorials[] = {479001600.0, 39916800.0, 3628800.0, 362880.0, 40320.0, 5040.0,
                                        720.0,       120.0,      24.0,      6.0,      2.0,     1.0};
    for (int i = 0; i < 12; i++)
        sum = sum * r + 1.0 / factorials[i];
    sum = sum * r + 1.0;
    return sum * ssc_from_bits((uint64_t)(1023 + n) << 52);
}

/* The natural logarithm: -infinity of 0, NaN below. Subnormal doubles do not come from floats. */
static inline double ssc_log(double x)
{
    const double infinity = (double)__builtin_inff();
    if (x == 0)
        return -infinity;
    if (!(x > 0))
        return ssc_from_bits(UINT64_C(0x7ff8000000000000));
    if (x == infinity)
        return x;
    const uint64_t bits = ssc_to_bits(x);
    int32_t n = (int32_t)(bits >> 52) - 1023;
    double m = ssc_from_bits((bits & UINT64_C(0xfffffffffffff)) | UINT64_C(0x3ff0000000000000));
    if (m > 1.4142135623730951) {
        m *= 0.5;
        n++;
    }
    const double s = (m - 1) / (m + 1), square = s * s; /* log m = 2 (s + s^3 / 3 + s^5 / 5 ...), |s| < 0.172 */
    double sum = 0;
    for (int i = 21; i >= 1; i -= 2)
        sum = sum * square + 1.0 / i;
    return n * 6.93147180369123816490e-01 + (n * 1.90821492927058770002e-10 + 2 * s * sum);
}

static inline double ssc_sigmoid(double x) { return 1.0 / (1.0 + ssc_exp(-x)); }

static inline double ssc_tanh(double x)
{
    const double size = x < 0 ? -x : x;
    if (size < 0.02) { /* the quotient below would lose digits */
        const double square = x * x;
        return x * (1 + square * (-1.0 / 3 + square * (2.0 / 15 + square * (-17.0 / 315))));
    }
    const double value = 1 - 2 / (ssc_exp(2 * size) + 1);
    return x < 0 ? -value : value;
}

/* log(1 + y) for y >= 0, also where y is small. */
static inline double ssc_log1p(double y)
{
    if (y < 1e-4)
        return y * (1 - y * (0.5 - y * (1.0 / 3 - y * 0.25)));
    return ssc_log(1 + y);
}

/* exp(x) - 1 */
static inline double ssc_expm1(double x)
{
    if (x < 0.01 && x > -0.01)
        return x * (1 + x * (1.0 / 2 + x * (1.0 / 6 + x * (1.0 / 24 + x * (1.0 / 120 + x / 720)))));
    return ssc_exp(x) - 1;
}

/* The error function: on each of eight pieces of [0, 4] a polynomial of the place in it, fitted at Chebyshev's nodes,
 * with an error below 2e-13; 1 beyond. Below 0.02 Taylor's series, which keeps the relative error small. */
static inline double ssc_erf(double x)
{
    static const double pieces[8][11] = {
        {0.2763263901682287, 0.26500353234316887, -0.016562720770904402, -0.004830793541158262, 0.0004960189744464918, 7.817680829195238e-05, -9.895638614944693e-06, -9.864177078700553e-07, 1.4788955317603995e-07, 9.71400599799099e-09, -1.7161945287966716e-09},
        {0.7111556336535181, 0.1607327673003638, -0.03013739386874214, 0.000418574883565248, 0.0005886209765159485, -5.199467731339942e-05, -6.56068202569484e-06, 1.1247956481135095e-06, 3.5143273018116007e-08, -1.4734071373102915e-08, 1.5884405408323153e-10},
        {0.9229001282564596, 0.059130280611018514, -0.018478212691307477, 0.002617746814019915, -2.4060171458460524e-05, -4.60753211894914e-05, 5.200500490675904e-06, 2.2151951340175135e-07, -8.692889970636227e-08, 3.139508019507986e-09, 7.472292751416351e-10},
        {0.9866716712191804, 0.013193748982515094, -0.005772265179719052, 0.0014087075740979694, -0.00018789925880697246, 6.469100585597759e-06, 2.1882504857237377e-06, -3.697915570073078e-07, 1.1126062685837824e-08, 3.4061812424416114e-09, -4.1007333274813926e-10},
        {0.9985372834133194, 0.0017855797556703616, -0.001004388612518406, 0.00033944614811803723, -7.45444667839813e-05, 1.040790840898831e-05, -7.090738821509261e-07, -4.096392920469717e-08, 1.525555532742298e-08, -1.366482276210833e-09, -1.4935918479596887e-11},
        {0.9998993780778803, 0.00014656931173414174, -0.00010076640184814617, 4.3131074304602934e-05, -1.2727006440354711e-05, 2.691214731593087e-06, -4.046211154711202e-07, 3.944135051634214e-08, -1.357914790181891e-09, -2.818943240756603e-10, 5.221637590599111e-11},
        {0.999995697220536, 7.2972563379180515e-06, -5.929020779514641e-06, 3.059526906832477e-06, -1.1194114999484477e-06, 3.0644173090867054e-07, -6.433788511987006e-08, 1.0377419897145094e-08, -1.2461378943573152e-09, 9.691786356113235e-11, -1.91975840075265e-12},
        {0.9999998862727435, 2.2035804972504743e-07, -2.065856707207091e-07, 1.2452521286168734e-07, -5.4067334315628654e-08, 1.7940619307960916e-08, -4.705285891532222e-09, 9.928725931972029e-10, -1.697563774509004e-10, 2.380243080812808e-11, -2.511429565885698e-12}
    };
    const double size = x < 0 ? -x : x;
    if (size != size)
        return x;
    if (size < 0.02) {
        const double square = x * x;
        return 1.1283791670955126 * x * (1 + square * (-1.0 / 3 + square * (1.0 / 10 - square / 42)));
    }
    double value = 1;
    if (size < 4) {
        const int piece = (int)(size * 2);
        const double u = (size - 0.25 - 0.5 * piece) * 4; /* from -1 to 1 */
        value = 0;
        for (int i = 10; i >= 0; i--)
            value = value * u + pieces[piece][i];
    }
    return x < 0 ? -value : value;
}

/* The square root of a float: Newton's steps from a guess by the exponent. -0 stays. */
static inline double ssc_sqrt(double x)
{
    if (!(x > 0) || x == (double)__builtin_inff())
        return x < 0 ? ssc_from_bits(UINT64_C(0x7ff8000000000000)) : x;
    double root = ssc_from_bits((ssc_to_bits(x) >> 1) + UINT64_C(0x1ff7a3bea91d9b1b));
    for (int i = 0; i < 5; i++)
        root = 0.5 * (root + x / root);
    return root;
}

/* The whole number at or below x; what is large is whole already. */
static inline double ssc_floor(double x)
{
    if (!(x < 8388608 && x > -8388608))
        return x;
    const double whole = (double)(int32_t)x;
    const double below = whole > x ? whole - 1 : whole;
    return below == 0 && (x < 0 || 1 / x < 0) ? -0.0 : below; /* the sign of a zero stays */
}

/* a to the power b. */
static inline double ssc_power(double a, double b)
{
    const int whole = ssc_floor(b) == b;
    if (b == 0 || a == 1)
        return 1;
    if (whole && b <= 64 && b >= -64) { /* by products, exact where the result is */
        double product = 1;
        for (int i = 0; i < (b < 0 ? -b : b); i++)
            product *= a;
        return b < 0 ? 1 / product : product;
    }
    if (b == 0.5)
        return ssc_sqrt(a);
    if (a != a || b != b)
        return a + b;
    const double size = a < 0 ? -a : a;
    if (a < 0 && !whole && size != (double)__builtin_inff())
        return ssc_from_bits(UINT64_C(0x7ff8000000000000));
    const double value = size == 0 ? (b > 0 ? 0 : (double)__builtin_inff()) : size == 1 ? 1 : ssc_exp(b * ssc_log(size));
    const int odd = whole && b < 9007199254740992.0 && b > -9007199254740992.0 && ssc_floor(b / 2) * 2 != b;
    return a < 0 && odd ? -value : value;
}

#endif
