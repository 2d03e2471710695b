/* Memory that tells of its overruns, for tests/fuzz/passes.py: every block that is asked for with an alignment from 64
   bytes on, which is how torch and oneDNN ask, lies between two pages that may not be touched, and is filled with FILL.
   A read or write beyond ends the process at once; a write into the few bytes up to the page is told when it is freed.

   cc -O1 -shared -fPIC -o fence.so fence.c -ldl;  FENCE_SIDE=1: blocks begin at a page instead of ending at one. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE ((size_t)4096)
#define SLOT ((uintptr_t)1 << 28) /* addresses for one block: its head is found by rounding down */
#define SLOTS 131072
#define BASE ((uintptr_t)0x200000000000)
#define FILL 0xFF /* as numbers: NaN, so that what is read before it is written shows */

struct head {
    size_t size, mapped;
    unsigned char *user;
};

static uintptr_t turn;
static int side = -1;
static void (*free_of_system)(void *);
static int (*memalign_of_system)(void **, size_t, size_t);
static size_t (*usable_of_system)(void *);

static void begin(void) {
    free_of_system = dlsym(RTLD_NEXT, "free");
    memalign_of_system = dlsym(RTLD_NEXT, "posix_memalign");
    usable_of_system = dlsym(RTLD_NEXT, "malloc_usable_size");
    side = getenv("FENCE_SIDE") ? atoi(getenv("FENCE_SIDE")) : 0;
}

static struct head *head_of(void *block) {
    uintptr_t at = (uintptr_t)block;
    return at < BASE || at >= BASE + SLOT * SLOTS ? NULL : (struct head *)(at & ~(SLOT - 1));
}

int posix_memalign(void **out, size_t alignment, size_t size) {
    if (side < 0) begin();
    if (alignment < 64 || alignment > PAGE || size > SLOT - 16 * PAGE) return memalign_of_system(out, alignment, size);
    size_t body = size ? (size + PAGE - 1) / PAGE * PAGE : PAGE;
    size_t mapped = body + 3 * PAGE; /* head, fence, body, fence */
    unsigned char *start;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE;
    for (int tries = 0;; tries++) {
        uintptr_t slot = __atomic_fetch_add(&turn, 1, __ATOMIC_SEQ_CST) % SLOTS;
        start = mmap((void *)(BASE + slot * SLOT), mapped, PROT_READ | PROT_WRITE, flags, -1, 0);
        if (start != MAP_FAILED) break;
        if (errno != EEXIST || tries > SLOTS) return ENOMEM;
    }
    mprotect(start + PAGE, PAGE, PROT_NONE);
    mprotect(start + 2 * PAGE + body, PAGE, PROT_NONE);
    memset(start + 2 * PAGE, FILL, body);
    size_t taken = size ? (size + alignment - 1) / alignment * alignment : alignment;
    unsigned char *user = start + 2 * PAGE + (side ? 0 : body - taken);
    *(struct head *)start = (struct head){size, mapped, user};
    *out = user;
    return 0;
}

static void check(const unsigned char *from, const unsigned char *to, size_t size) {
    for (; from < to; from++)
        if (*from != FILL) {
            dprintf(2, "fence: written outside a block of %zu bytes\n", size);
            abort();
        }
}

void free(void *block) {
    if (!block) return;
    if (side < 0) begin();
    struct head *head = head_of(block);
    if (!head) {
        free_of_system(block);
        return;
    }
    unsigned char *start = (unsigned char *)head;
    check(start + 2 * PAGE, head->user, head->size);
    check(head->user + head->size, start + head->mapped - PAGE, head->size);
    munmap(start, head->mapped);
}

size_t malloc_usable_size(void *block) {
    if (side < 0) begin();
    struct head *head = block ? head_of(block) : NULL;
    return head ? head->size : usable_of_system(block);
}
