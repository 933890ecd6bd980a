/** The streams of a plugin process, with stdout taken for the protocol. */

export interface ServeIo {
  readonly input: AsyncIterable<Uint8Array>;
  /** Resolves when the line is handed over; a line feed is already at its end. */
  write(line: string): Promise<void>;
  note(text: string): void;
  /** False once the process that sent the requests has gone away. */
  isCallerAlive(): boolean;
  exit(code: number): void;
}

/** How often a plugin whose stdin has ended looks whether somebody still waits for its answer. */
const ORPHAN_CHECK_MS = 50;

/** Does the last work of a process; ends it at once if the caller dies meanwhile, so that no plugin outlives its daemon. */
export async function whileWanted<T>(io: ServeIo, work: () => Promise<T>): Promise<T> {
  const orphanCheck = setInterval(() => {
    if (!io.isCallerAlive()) io.exit(0);
  }, ORPHAN_CHECK_MS);
  try {
    return await work();
  } finally {
    clearInterval(orphanCheck);
  }
}

/** Takes stdout for the protocol. Called once, before anything else is loaded. */
export function processIo(): ServeIo {
  const parent = process.ppid;
  const { stdout, stderr, stdin } = process;
  const write = stdout.write.bind(stdout);
  // console.log and console.info write through this method too.
  stdout.write = stderr.write.bind(stderr);
  // A reader that is gone makes further work pointless. Nobody is left to be told.
  stdout.on('error', () => process.exit(0));
  return {
    input: stdin,
    write: async (line) =>
      new Promise((resolve) => {
        write(line, () => resolve());
      }),
    note: (text) => void stderr.write(`${text}\n`),
    // A process whose parent died belongs to another one (PID 1 or a subreaper). proc(5), prctl(2).
    isCallerAlive: () => process.ppid === parent,
    exit: (code) => process.exit(code),
  };
}
