package org.sscdeploy.core.bench;

/** numpy's SeedSequence for a seed of 32 bits: stirs it into a pool of four words, and draws a state from that. */
final class SeedSequence {
    private static final int POOL = 4;
    private static final int INIT_A = 0x43b0d7e5;
    private static final int MULTIPLIER_A = 0x931e8875;
    private static final int INIT_B = 0x8b51f9dd;
    private static final int MULTIPLIER_B = 0x58f38ded;
    private static final int MIX_LEFT = 0xca01f9dd;
    private static final int MIX_RIGHT = 0x4973f715;

    private int constant = INIT_A;
    private final int[] pool = new int[POOL];

    private SeedSequence(int seed) {
        for (int i = 0; i < POOL; i++) {
            pool[i] = hashed(i == 0 ? seed : 0);
        }
        for (int from = 0; from < POOL; from++) {
            for (int to = 0; to < POOL; to++) {
                if (from != to) {
                    pool[to] = mixed(pool[to], hashed(pool[from]));
                }
            }
        }
    }

    /** Four words of 64 bits. */
    static long[] generate(int seed) {
        int[] pool = new SeedSequence(seed).pool;
        int constant = INIT_B;
        int[] halves = new int[8];
        for (int i = 0; i < halves.length; i++) {
            int value = pool[i % POOL] ^ constant;
            constant *= MULTIPLIER_B;
            value *= constant;
            halves[i] = value ^ value >>> 16;
        }
        long[] words = new long[4];
        for (int i = 0; i < words.length; i++) {
            words[i] = halves[2 * i] & 0xFFFFFFFFL | (long) halves[2 * i + 1] << 32;
        }
        return words;
    }

    private int hashed(int value) {
        int hash = value ^ constant;
        constant *= MULTIPLIER_A;
        hash *= constant;
        return hash ^ hash >>> 16;
    }

    private static int mixed(int left, int right) {
        int mix = MIX_LEFT * left - MIX_RIGHT * right;
        return mix ^ mix >>> 16;
    }
}
