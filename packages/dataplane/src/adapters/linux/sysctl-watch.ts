/**
 * Tells when somebody writes a kernel setting. The kernel reports only `forwarding` itself; but a write to a file below /proc/sys is
 * seen by inotify, in the writer's own network namespace, as long as the file's inode stays in memory. An open descriptor keeps it there
 * (measured on Linux 6.18: without one, `drop_caches` ends the events silently). What the kernel changes by itself is not seen.
 */
import { closeSync, fstatSync, openSync, readFileSync, statSync, watch, type FSWatcher } from 'node:fs';
import { fileOfSysctl } from './sysctl-files.ts';

interface Followed {
  readonly descriptor: number;
  readonly inode: number;
  readonly watcher: FSWatcher;
}

export class SysctlWatch {
  readonly #onWritten: (path: readonly string[], value: string) => void;
  readonly #followed = new Map<string, Followed>();

  constructor(onWritten: (path: readonly string[], value: string) => void) {
    this.#onWritten = onWritten;
  }

  /** Follows these too. What is followed already is looked at again: the settings of an interface that was made anew are other files. */
  follow(paths: readonly (readonly string[])[]): void {
    for (const path of paths) {
      const file = fileOfSysctl(path);
      const known = this.#followed.get(file);
      if (known !== undefined && known.inode === inodeOf(file)) continue;
      this.#unfollow(file);
      try {
        this.#begin(path, file);
      } catch {
        // The interface has gone since it was listed; it is followed with the next reading that shows it.
      }
    }
  }

  stop(): void {
    for (const file of this.#followed.keys()) this.#unfollow(file);
  }

  #begin(path: readonly string[], file: string): void {
    const descriptor = openSync(file, 'r');
    const watcher = watch(file, { persistent: false }, () => this.#look(path, file));
    watcher.on('error', () => this.#unfollow(file));
    this.#followed.set(file, { descriptor, inode: fstatSync(descriptor).ino, watcher });
  }

  #look(path: readonly string[], file: string): void {
    try {
      this.#onWritten(path, readFileSync(file, 'utf8').trim());
    } catch {
      this.#unfollow(file);
    }
  }

  #unfollow(file: string): void {
    const followed = this.#followed.get(file);
    if (followed === undefined) return;
    this.#followed.delete(file);
    followed.watcher.close();
    closeSync(followed.descriptor);
  }
}

function inodeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.ino;
}
