/** Sees to it that a group's streams exist on the hubs, for as long as it takes. */
import type { Monotonic } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import { provisionGroup, type ProvisionGroupOptions } from '../nats/provision-group.ts';

const RETRY_MS_FIRST = 250;
const RETRY_MS_MAX = 5000;

export interface KeepProvisionedOptions extends ProvisionGroupOptions {
  readonly clock: Clock;
  readonly log: Log;
}

/** @returns whether it was done before `signal` aborted */
export async function provisionUntilDone(options: KeepProvisionedOptions, signal: AbortSignal): Promise<boolean> {
  const { clock, log } = options;
  let pause = RETRY_MS_FIRST;
  while (!signal.aborted) {
    const done = await provisionGroup(options);
    if (done.ok) {
      log.info('the streams of the group are there', { event: 'hub.provisioned', streams: done.value.streams });
      return true;
    }
    // Hubs that are still finding each other answer so; only what stays so is worth a person's time.
    const level = pause >= RETRY_MS_MAX ? 'error' : 'info';
    log[level]('the streams of the group cannot be made yet', { event: 'hub.provision.failed', ...done.error });
    await clock.sleepUntil((clock.monotonic() + pause) as Monotonic, signal);
    pause = Math.min(pause * 2, RETRY_MS_MAX);
  }
  return false;
}
