/** An executor that makes the mistakes that its arguments name, on top of the file that it takes for a cloud. For the kit's own test. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

interface Cloud {
  readonly addresses: readonly string[];
  readonly mutations: number;
}

const [file = '', ...mistakes] = process.argv.slice(2);
const makes = (mistake: string): boolean => mistakes.includes(mistake);

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  if (makes('talks')) process.stdout.write(`got ${request.id}\n`);
  if (makes('leaks')) process.stderr.write(`${JSON.stringify(process.env)}\n`);
  process.stdout.write(`${JSON.stringify(answer(request))}\n`);
}
if (makes('stays')) setInterval(() => undefined, 1000);

function answer({ id, kind, spec }: { id: string; kind: string; spec: Spec }): unknown {
  const head = { apiVersion: 'provideraction.routerd.net/v1alpha1', id: makes('mixes-up') ? 'other' : id };
  if (kind === 'ObserveNicRequest') {
    return {
      ...head,
      kind: 'ObserveNicResult',
      status: { status: 'completed', nic: { addresses: [], forwarding: false } },
    };
  }
  if (spec.mode === 'execute' || makes('ignores-mode')) mutate(spec);
  const results = spec.addresses.map(({ address }) => ({ address, status: 'succeeded', message: 'done' }));
  return { ...head, kind: 'ExecuteActionResult', status: { status: 'completed', results, observed: {} } };
}

interface Spec {
  readonly mode: string;
  readonly action: string;
  readonly addresses: readonly { readonly address: string }[];
}

function mutate({ action, addresses }: Spec): void {
  const cloud: Cloud = JSON.parse(readFileSync(file, 'utf8'));
  const named = addresses.map(({ address }) => address.replace('/32', ''));
  const left = cloud.addresses.filter((each) => !named.includes(each));
  const after = action === 'assign-secondary-ip' ? [...left, ...named] : left;
  writeFileSync(file, JSON.stringify({ addresses: after, mutations: cloud.mutations + 1 }));
}
