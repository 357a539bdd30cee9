/** Sockets that the embedder handed over: accept, receive, send, shut down. */

import { SYS, sys } from "../../host/mod.ts";
import {
  Errno,
  FdFlags,
  FileType,
  Right,
  SOCKET_RIGHTS,
  type WasiFunctionName,
  type WasiImplementation,
} from "./abi.ts";
import { check, closeFd, O, readSome, writeFrom } from "./linux.ts";
import { fail } from "./guest_memory.ts";
import type { Descriptor } from "./descriptors.ts";
import type { WasiState } from "./state.ts";
import { waitUntilReady, writerWhenReady } from "./waiting.ts";

function socketFd({ fd, fileType }: Descriptor): number {
  if (fd < 0 || (fileType !== FileType.socketStream && fileType !== FileType.socketDgram)) fail(Errno.notsock);
  return fd;
}

/** The `sock_*` functions. */
export function socketFunctions(
  { memory, descriptors, context }: WasiState,
): WasiImplementation<Extract<WasiFunctionName, `sock_${string}`>> {
  return {
    sock_accept(fd, flags, result) {
      const listener = descriptors.get(fd, Right.sock_accept);
      if (flags & ~FdFlags.nonblock) return Errno.inval;
      memory.requireRange(result, 4);
      const acceptFlags = O.cloexec | (flags & FdFlags.nonblock ? O.nonblock : 0);
      const listening = socketFd(listener);
      waitUntilReady(context, listener, "read");
      const accepted = check(sys(SYS.accept4, listening, 0, 0, acceptFlags));
      try {
        const fileType = FileType.socketStream;
        memory.setU32(
          result,
          descriptors.add({ fd: accepted, fileType, rightsBase: SOCKET_RIGHTS, rightsInheriting: 0n, owned: true }),
        );
        return Errno.success;
      } catch (error) {
        closeFd(accepted);
        throw error;
      }
    },
    sock_recv(fd, iovecs, count, flags, sizeResult, flagsResult) {
      const descriptor = descriptors.get(fd, Right.fd_read);
      const socket = socketFd(descriptor);
      // Omitted: peek and waitall; nothing that preview 1 guests are built from asks for them.
      if (flags !== 0) return Errno.notsup;
      memory.requireRange(sizeResult, 4);
      memory.requireRange(flagsResult, 2);
      waitUntilReady(context, descriptor, "read");
      let ended = false;
      const total = memory.forEachBuffer(iovecs, count, (bytes) => {
        if (ended) return 0;
        ended = true;
        return readSome(socket, bytes);
      });
      memory.setU32(sizeResult, total);
      memory.setU16(flagsResult, 0);
      return Errno.success;
    },
    sock_send(fd, iovecs, count, flags, result) {
      const descriptor = descriptors.get(fd, Right.fd_write);
      const socket = socketFd(descriptor);
      if (flags !== 0) return Errno.inval;
      memory.requireRange(result, 4);
      const writer = writerWhenReady(context, descriptor, (bytes) => writeFrom(socket, bytes));
      memory.setU32(result, memory.forEachBuffer(iovecs, count, writer));
      return Errno.success;
    },
    sock_shutdown(fd, how) {
      const socket = socketFd(descriptors.get(fd, Right.sock_shutdown));
      if (how < 1 || how > 3) return Errno.inval;
      check(sys(SYS.shutdown, socket, how - 1));
      return Errno.success;
    },
  };
}
