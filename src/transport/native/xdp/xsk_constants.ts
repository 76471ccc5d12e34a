/**
 * AF_XDP as system calls see it: numbers and structures, the same on x86-64 and arm64
 * (`linux/if_xdp.h`, `linux/bpf.h`).
 *
 * @module
 */

export const AF_XDP = 44, SOL_XDP = 283, SOCK_RAW = 3, SOCK_CLOEXEC = 0o2000000;

/** Socket options. The last is of Linux 6.17. */
export const XDP_MMAP_OFFSETS = 1, XDP_RX_RING = 2, XDP_TX_RING = 3, XDP_UMEM_REG = 4;
export const XDP_UMEM_FILL_RING = 5, XDP_UMEM_COMPLETION_RING = 6, XDP_STATISTICS = 7;
export const XDP_MAX_TX_SKB_BUDGET = 9;

/** Flags of binding. */
export const XDP_COPY = 2, XDP_USE_NEED_WAKEUP = 8;

/** What mapping a ring gives as offset of the "file". */
export const PGOFF_RX_RING = 0n, PGOFF_TX_RING = 0x80000000n;
export const PGOFF_FILL_RING = 0x100000000n, PGOFF_COMPLETION_RING = 0x180000000n;

/** Flags of attaching a program: within the driver, or in front of the kernel's stack. */
export const XDP_FLAGS_SKB_MODE = 2, XDP_FLAGS_DRV_MODE = 4;

export const PROT_READ_WRITE = 3, MAP_SHARED = 1, MAP_POPULATE = 0x8000;
export const MSG_DONTWAIT = 0x40, CLOCK_MONOTONIC = 1;

export const EPERM = 1, EINTR = 4, ENXIO = 6, EAGAIN = 11, EACCES = 13, EBUSY = 16, EEXIST = 17;
export const ENODEV = 19, EINVAL = 22, ENOSYS = 38, EOPNOTSUPP = 95, ENETDOWN = 100, ENOBUFS = 105;
