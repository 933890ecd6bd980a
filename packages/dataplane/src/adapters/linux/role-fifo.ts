/**
 * The reading end of keepalived's notify fifo. It ends when nobody has the fifo open for writing any more, which only keepalived
 * has: the kernel tells of its death, whoever its parent is and however it died.
 */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { Socket } from 'node:net';

export interface RoleFifoListener {
  onLine(line: string): void;
  /** The last writer has gone. Told once, not after `close`. */
  onEnd(): void;
}

export interface RoleFifo {
  /** Lines that waited before it was opened: what happened while nobody listened. */
  readonly waiting: readonly string[];
  close(): void;
}

/**
 * A writer that writes nothing: while it is held the fifo does not end. keepalived may close and open it while it reads its configuration
 * anew, which is no death.
 */
export function holdFifoOpen(path: string): { release(): void } {
  const descriptor = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  return { release: () => closeSync(descriptor) };
}

const CHUNK_BYTES = 65_536;

/** Opening waits for nobody: a fifo without a writer tells nothing until it had one. Throws what `open` throws. */
export function openRoleFifo(path: string, listener: RoleFifoListener): RoleFifo {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  let buffered = '';
  const takeLines = (chunk: string): readonly string[] => {
    const lines = `${buffered}${chunk}`.split('\n');
    buffered = lines.pop() ?? '';
    return lines.filter((line) => line !== '');
  };
  let waiting: readonly string[];
  try {
    waiting = takeLines(readWaiting(descriptor));
  } catch (cause) {
    closeSync(descriptor);
    throw cause;
  }
  let open = true;
  const socket = new Socket({ fd: descriptor, readable: true, writable: false });
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => {
    if (open) for (const line of takeLines(chunk)) listener.onLine(line);
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    if (!open) return;
    open = false;
    listener.onEnd();
  });
  socket.unref();
  return {
    waiting,
    close() {
      open = false;
      socket.destroy();
    },
  };
}

function readWaiting(descriptor: number): string {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let text = '';
  for (;;) {
    try {
      const bytes = readSync(descriptor, chunk);
      if (bytes === 0) return text; // no writer
      text += chunk.toString('utf8', 0, bytes);
    } catch (cause) {
      if (cause instanceof Error && 'code' in cause && cause.code === 'EAGAIN') return text;
      throw cause;
    }
  }
}
