/** Keeps the state of every resource in the store, so that it can be read when the daemon does not run. Written only where its meaning changed. */
import { identityOf } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import type { ObjectStore } from '@routerd/store';
import type { NodeView } from './views/node-view.ts';
import { resourceViews } from './views/resource-view.ts';

export interface StatusWriterPorts {
  readonly clock: Clock;
  readonly log: Log;
}

export class StatusWriter {
  readonly #view: NodeView;
  readonly #objects: Pick<ObjectStore, 'save' | 'all' | 'remove'>;
  readonly #ports: StatusWriterPorts;
  #queued = false;
  #stopped = false;

  constructor(view: NodeView, objects: Pick<ObjectStore, 'save' | 'all' | 'remove'>, ports: StatusWriterPorts) {
    this.#view = view;
    this.#objects = objects;
    this.#ports = ports;
  }

  /** Writes soon, after what is under way now: status is never on the path of a packet. */
  changed(): void {
    if (this.#queued || this.#stopped) return;
    this.#queued = true;
    setImmediate(() => {
      this.#queued = false;
      if (!this.#stopped) this.#write();
    });
  }

  stop(): void {
    if (!this.#stopped) this.#write();
    this.#stopped = true;
  }

  #write(): void {
    try {
      const views = resourceViews(this.#view, {});
      const current = new Set(views.map(identityOf));
      for (const view of views) this.#objects.save(identityOf(view), view.status, this.#ports.clock.now());
      this.#objects.remove(
        this.#objects
          .all()
          .map(({ identity }) => identity)
          .filter((identity) => !current.has(identity)),
      );
    } catch (cause) {
      this.#ports.log.error('status could not be stored', { event: 'status.not-stored', cause: String(cause) });
    }
  }
}
