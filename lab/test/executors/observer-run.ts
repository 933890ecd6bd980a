/** One run of an observing plugin inside a guest of an emulated cloud: a process, by the daemon's own runner, with the guest's identity. */
import path from 'node:path';
import { createPluginRunner } from '@routerd/plugin-host';
import { durationMs } from '@routerd/resources';
import { RecordingLog, systemClock } from '@routerd/runtime';
import { CHECKOUT } from '../../src/lab-files.ts';
import type { CloudRig } from '../cloud/cloud-rig.ts';

const never = new AbortController().signal;
const runner = createPluginRunner({ clock: systemClock, log: new RecordingLog() });
type Request = Parameters<typeof runner.run>[1];
export type ObserverReport = Awaited<ReturnType<typeof runner.run>>;
export type ContextResource = Request['spec']['context']['resources'][number];

export interface ObserverRun {
  /** Its folder in `plugins`. */
  readonly plugin: string;
  readonly guest: string;
  readonly env: Readonly<Record<string, string>>;
  readonly context: readonly ContextResource[];
  /** `interval` without. */
  readonly trigger?: Request['spec']['trigger']['type'];
}

export async function runObserver(rig: CloudRig, run: ObserverRun): Promise<ObserverReport> {
  const enter = ['-t', `${rig.guest(run.guest).record.holder.pid}`, '-m', '-u', '-n', `--wd=${CHECKOUT}`];
  const plugin: Parameters<typeof runner.run>[0] = {
    apiVersion: 'plugin.routerd.net/v1alpha1',
    kind: 'Plugin',
    metadata: { name: run.plugin, annotations: {}, ownerRefs: [] },
    spec: {
      executable: '/usr/bin/nsenter',
      args: [...enter, process.execPath, path.join(CHECKOUT, 'plugins', run.plugin, 'src/main.ts')],
      timeout: durationMs(60_000),
      env: {
        NODE_EXTRA_CA_CERTS: rig.caFile,
        NODE_COMPILE_CACHE: path.join(CHECKOUT, 'node_modules/.cache/compile'),
        ...run.env,
      },
      capabilities: ['observe.cloud', 'propose.dynamicConfig', 'propose.providerAction'],
      triggers: [],
      context: { resources: [] },
    },
  };
  const request: Request = {
    apiVersion: 'plugin.routerd.net/v1alpha1',
    kind: 'PluginRequest',
    metadata: { name: run.plugin },
    spec: {
      trigger: { type: run.trigger ?? 'interval', topic: '' },
      startupConfigHash: 'ab',
      effectiveGeneration: 1,
      previousDynamicGeneration: 0,
      now: '2026-11-21T08:00:00.000Z',
      events: [],
      context: { resources: [...run.context] },
    },
  };
  return runner.run(plugin, request, never);
}

/** What the run says. Throws with its reason and what it wrote, if it says nothing. */
export function said({ outcome, stderr }: ObserverReport) {
  if (!outcome.ok) throw new Error(`${outcome.error.message}\n${stderr}`);
  return outcome.value;
}
