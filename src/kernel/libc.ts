/**
 * The C library. Besides nftables.ts this is the only file that declares C functions. Buffers are typed arrays that are laid out once and used
 * again; sizes and offsets are those of 64-bit Linux.
 */
import koffi from "koffi";
import { KernelError } from "./kernel-error.ts";

const library = koffi.load(null);

/** Pointers are given as typed arrays, or as addresses inside structures. */
type Pointer = Uint8Array | null;

export const libc = {
  socket: library.func("int socket(int domain, int type, int protocol)") as (domain: number, type: number, protocol: number) => number,
  close: library.func("int close(int fd)") as (fd: number) => number,
  bind: library.func("int bind(int fd, const void *address, uint32_t length)") as (fd: number, address: Pointer, length: number) => number,
  connect: library.func("int connect(int fd, const void *address, uint32_t length)") as (
    fd: number,
    address: Pointer,
    length: number,
  ) => number,
  setsockopt: library.func("int setsockopt(int fd, int level, int name, const void *value, uint32_t length)") as (
    fd: number,
    level: number,
    name: number,
    value: Pointer,
    length: number,
  ) => number,
  getsockname: library.func("int getsockname(int fd, void *address, void *length)") as (
    fd: number,
    address: Pointer,
    length: Pointer,
  ) => number,
  sendto: library.func("intptr_t sendto(int fd, const void *buffer, size_t size, int flags, const void *address, uint32_t length)") as (
    fd: number,
    buffer: Pointer,
    size: number,
    flags: number,
    address: Pointer,
    length: number,
  ) => number,
  recv: library.func("intptr_t recv(int fd, void *buffer, size_t size, int flags)") as (
    fd: number,
    buffer: Pointer,
    size: number,
    flags: number,
  ) => number,
  recvmmsg: library.func("int recvmmsg(int fd, void *messages, uint32_t count, int flags, void *timeout)") as (
    fd: number,
    messages: Pointer,
    count: number,
    flags: number,
    timeout: null,
  ) => number,
  sendmmsg: library.func("int sendmmsg(int fd, void *messages, uint32_t count, int flags)") as (
    fd: number,
    messages: Pointer,
    count: number,
    flags: number,
  ) => number,
  clockGettime: library.func("int clock_gettime(int clock, void *time)") as (clock: number, time: Pointer) => number,
  timerfdCreate: library.func("int timerfd_create(int clock, int flags)") as (clock: number, flags: number) => number,
  timerfdSettime: library.func("int timerfd_settime(int fd, int flags, const void *value, void *before)") as (
    fd: number,
    flags: number,
    value: Pointer,
    before: null,
  ) => number,
  read: library.func("intptr_t read(int fd, void *buffer, size_t size)") as (fd: number, buffer: Pointer, size: number) => number,
  /** Microseconds. */
  usleep: library.func("int usleep(uint32_t span)") as (span: number) => number,
  nameToIndex: library.func("uint32_t if_nametoindex(const char *name)") as (name: string) => number,
  open: library.func("int open(const char *path, int flags)") as (path: string, flags: number) => number,
  setns: library.func("int setns(int fd, int type)") as (fd: number, type: number) => number,
  unshare: library.func("int unshare(int flags)") as (flags: number) => number,
};

const NAMES = new Map(Object.entries(koffi.os.errno).map(([name, number]) => [number, name]));

/** The name of an error number, e.g. "ENODEV". */
export function errnoName(number: number): string {
  return NAMES.get(number) ?? `error ${number}`;
}

/** The error of the call before; must be asked at once. */
export function lastErrno(): string {
  return errnoName(koffi.errno());
}

/** Passes the result of a call on. @throws KernelError when it is negative; `change` says what was tried */
export function check(result: number, change: string): number {
  if (result < 0) throw new KernelError(lastErrno(), change);
  return result;
}

/** The address of a typed array's first octet; valid as long as the array is referenced. */
export function addressOf(bytes: Uint8Array): bigint {
  return koffi.address(bytes);
}

/** The index of an interface. @throws KernelError ENODEV; `change` says what it is needed for */
export function interfaceIndex(name: string, change: string): number {
  const index = libc.nameToIndex(name);
  if (index === 0) throw new KernelError("ENODEV", change);
  return index;
}

/** Sets a socket option that is an int. @throws KernelError */
export function setOption(fd: number, level: number, name: number, value: number, change: string): void {
  check(libc.setsockopt(fd, level, name, new Uint8Array(Int32Array.of(value).buffer), 4), change);
}

/** Sets a socket option that is a structure or text. @throws KernelError */
export function setOptionBytes(fd: number, level: number, name: number, value: Uint8Array, change: string): void {
  check(libc.setsockopt(fd, level, name, value, value.length), change);
}
