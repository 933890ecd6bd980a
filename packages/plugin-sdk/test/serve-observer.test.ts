import { expect, test } from 'vitest';
import { pluginResult, serveObserver, type ObserverPlugin, type PluginRequest } from '../src/index.ts';

const REQUEST: PluginRequest = {
  apiVersion: 'plugin.routerd.net/v1alpha1',
  kind: 'PluginRequest',
  metadata: { name: 'inventory' },
  spec: {
    trigger: { type: 'interval', topic: '' },
    startupConfigHash: 'ab',
    effectiveGeneration: 1,
    previousDynamicGeneration: 0,
    now: '2026-11-21T08:00:00.000Z',
    events: [],
    context: { resources: [{ apiVersion: 'a', kind: 'B', name: 'c', spec: { anything: [1] } }] },
  },
};

interface Served {
  readonly written: readonly string[];
  readonly notes: readonly string[];
  readonly exits: readonly number[];
}

async function served(input: string, plugin: ObserverPlugin | (() => Promise<ObserverPlugin>)): Promise<Served> {
  const [written, notes, exits]: [string[], string[], number[]] = [[], [], []];
  await serveObserver(typeof plugin === 'function' ? plugin : () => plugin, {
    input: (async function* () {
      yield Buffer.from(input.slice(0, 7));
      yield Buffer.from(input.slice(7));
    })(),
    write: async (line) => void written.push(line),
    note: (text) => void notes.push(text),
    isCallerAlive: () => true,
    exit: (code) => void exits.push(code),
  });
  return { written, notes, exits };
}

test('one request gets one line with the result under its name, and the process ends', async () => {
  const { written, exits } = await served(JSON.stringify(REQUEST), {
    observe: async ({ context }) => ({ ttl: '30m', resources: context.resources }),
  });
  expect(exits).toEqual([0]);
  expect(written).toHaveLength(1);
  expect(pluginResult.parse(JSON.parse(written[0] ?? ''))).toEqual({
    apiVersion: 'plugin.routerd.net/v1alpha1',
    kind: 'PluginResult',
    metadata: { name: 'inventory' },
    status: { ttl: '30m', resources: REQUEST.spec.context.resources, directives: [], actionPlans: [], events: [] },
  });
});

test.each([
  ['text that is no JSON', 'hello', 'SyntaxError'],
  ['a request of another kind', JSON.stringify({ ...REQUEST, kind: 'Other' }), 'kind'],
  ['a field that nobody knows', JSON.stringify({ ...REQUEST, more: 1 }), 'more'],
])('%s ends with 1 and the reason, and nothing on stdout', async (_, input, reason) => {
  const { written, notes, exits } = await served(input, { observe: async () => ({ ttl: '1m' }) });
  expect([written, exits]).toEqual([[], [1]]);
  expect(notes.join()).toContain(reason);
});

test('what the plugin throws, while it loads or observes, is the reason', async () => {
  const failing = {
    observe: async () => {
      throw new Error('OCI shows no VNIC');
    },
  };
  expect(await served(JSON.stringify(REQUEST), failing)).toEqual({
    written: [],
    notes: ['Error: OCI shows no VNIC'],
    exits: [1],
  });
  const unloadable = async (): Promise<ObserverPlugin> => {
    throw new Error('cannot find module');
  };
  expect((await served(JSON.stringify(REQUEST), unloadable)).notes).toEqual(['Error: cannot find module']);
});

const plan = {
  name: 'assign',
  provider: 'oci',
  providerRef: 'oci-main',
  action: 'assign-secondary-ip',
  target: { nicRef: 'ocid1.vnic.a', address: '10.77.60.10/32' },
  idempotencyKey: 'k',
};
const withPlan = (changes: object): unknown => ({
  apiVersion: 'plugin.routerd.net/v1alpha1',
  kind: 'PluginResult',
  metadata: { name: 'p' },
  status: { ttl: '1m', actionPlans: [{ ...plan, ...changes }] },
});

test.each([
  ['mode', { mode: 'execute' }, 'actionPlan mode=execute is not supported'],
  ['address', { target: { nicRef: 'x' } }, 'assign-secondary-ip needs target.address'],
  ['action', { action: 'delete-everything' }, 'action'],
])('an action plan with a wrong %s is refused', (_, changes, message) => {
  const parsed = pluginResult.safeParse(withPlan(changes));
  expect(parsed.success).toBe(false);
  expect(JSON.stringify(parsed.error?.issues)).toContain(message);
});

test('an action plan is a dry run of medium risk unless it says otherwise', () => {
  const parsed = pluginResult.parse(withPlan({}));
  expect(parsed.status.actionPlans[0]).toMatchObject({ mode: 'dry-run', riskLevel: 'medium', parameters: {} });
});
