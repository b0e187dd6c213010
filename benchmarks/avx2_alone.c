/* Answers CPUID in the place of the processor, without AVX-512, VNNI and AMX: see avx2_alone.py.
 *
 * In the libraries that are to be limited each CPUID (0F A2) has become UD2 (0F 0B), which raises SIGILL. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>

#define BIT(n) (1u << (n))

static void answer(int signal_number, siginfo_t *info, void *context) {
  (void)info;
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  const uint8_t *code = (const uint8_t *)registers[REG_RIP];
  if (code[0] != 0x0F || code[1] != 0x0B) {
    signal(signal_number, SIG_DFL); /* some other instruction: it fails again, and ends the process */
    return;
  }
  uint32_t a = (uint32_t)registers[REG_RAX], c = (uint32_t)registers[REG_RCX], b, d;
  const uint32_t leaf = a, sub = c;
  __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  if (leaf == 7 && sub == 0) {
    b &= ~(BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | BIT(31)); /* AVX-512 */
    c &= ~(BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14));                                 /* VBMI, VNNI ... */
    d &= ~(BIT(2) | BIT(3) | BIT(8) | BIT(22) | BIT(23) | BIT(24) | BIT(25));              /* ... and AMX */
  }
  if (leaf == 7 && sub == 1) {
    a &= ~(BIT(4) | BIT(5) | BIT(23)); /* AVX-VNNI, bfloat16, AVX-IFMA */
    d &= ~(BIT(4) | BIT(5) | BIT(10)); /* AVX-VNNI-INT8 and -INT16 */
  }
  registers[REG_RAX] = a;
  registers[REG_RBX] = b;
  registers[REG_RCX] = c;
  registers[REG_RDX] = d;
  registers[REG_RIP] += 2;
}

__attribute__((constructor)) static void install(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = answer;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigaction(SIGILL, &action, 0);
}
