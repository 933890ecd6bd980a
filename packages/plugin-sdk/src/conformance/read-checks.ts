/** The requests that an executor may leave out. One that answers `invalid` to them is untested here, and no worse for it. */
import { API_VERSION, VERBS } from '../protocol-parts.ts';
import type { InventoryResult, ResultMessage } from '../protocol.ts';
import { Deviation, expectThat, type Bench, type ReadRequest } from './bench.ts';
import type { Check } from './checks.ts';

const ASSIGN = 'assign-secondary-ip';
const PAGES_MAX = 100;

type Completed<Kind extends ResultMessage['kind']> = Extract<
  Extract<ResultMessage, { readonly kind: Kind }>['status'],
  { readonly status: 'completed' }
>;

/** What a completed answer of that kind says. */
function completed<Kind extends ResultMessage['kind']>(message: ResultMessage, kind: Kind): Completed<Kind> {
  if (message.kind !== kind) throw new Deviation(`it is answered ${message.kind}, not ${kind}`);
  if (message.status.status === 'failed') throw new Deviation(`it failed: ${message.status.error.message}`);
  // The kind that was compared above says which status it is; the compiler does not follow that through a parameter.
  return message.status as Completed<Kind>;
}

async function withoutChange<T>(bench: Bench, work: () => Promise<T>): Promise<T> {
  const before = await bench.mutations();
  const value = await work();
  expectThat((await bench.mutations()) === before, 'something was changed');
  return value;
}

export const READ_CHECKS: readonly Check[] = [
  {
    area: 'negotiation',
    claim: 'of several versions the first that it speaks is chosen, and none is invalid',
    async run(bench) {
      const ask = async (...versions: string[]): Promise<ResultMessage> =>
        bench.optional({ kind: 'DescribeRequest', spec: { versions } });
      const described = completed(
        await ask('provideraction.routerd.net/v99', API_VERSION, 'provideraction.routerd.net/v0'),
        'DescribeResult',
      );
      expectThat(described.version === API_VERSION, `${described.version} is chosen, not ${API_VERSION}`);
      const none = await bench.read({
        kind: 'DescribeRequest',
        spec: { versions: ['provideraction.routerd.net/v99'] },
      });
      const found = none.status.status === 'failed' ? none.status.error.class : none.status.status;
      expectThat(found === 'invalid', `a caller that speaks v99 alone is answered ${found}, not invalid`);
    },
  },
  {
    area: 'negotiation',
    claim: 'what it says it can do it does, and the rest it answers invalid',
    async run(bench) {
      const asked: ReadRequest = { kind: 'DescribeRequest', spec: { versions: [API_VERSION] } };
      const { requests, providers } = completed(await bench.optional(asked), 'DescribeResult');
      expectThat(providers.includes(bench.plan.provider), `it does not name ${bench.plan.provider}`);
      const nic = bench.nicOf('nic');
      const each: readonly ReadRequest[] = [
        { kind: 'InventoryRequest', spec: { nic } },
        { kind: 'CheckRequest', spec: { nic, addresses: [`${bench.plan.addresses[0]}/32`] } },
        { kind: 'PreflightRequest', spec: { nic, actions: [...VERBS] } },
      ];
      for (const request of each) {
        const { status } = await bench.read(request);
        const isRefused = status.status === 'failed' && status.error.class === 'invalid';
        expectThat(isRefused !== requests.includes(request.kind), `${request.kind} is announced wrongly`);
      }
    },
  },
  {
    area: 'inventory',
    claim: 'names who has which address, over all pages, and counts what is used',
    async run(bench) {
      const [mine, theirs] = bench.plan.addresses;
      await bench.mustSucceed({ verb: ASSIGN, addresses: [mine] });
      await bench.mustSucceed({ verb: ASSIGN, addresses: [theirs], side: 'otherNic' });
      const pages = await withoutChange(bench, async () => inventory(bench));
      const holderOf = (bare: string): string | undefined =>
        pages.flatMap(({ entries }) => entries).find(({ address }) => address === `${bare}/32`)?.nicRef;
      const { nicRef } = bench.plan.nic;
      expectThat(holderOf(mine) === nicRef, `${mine} is shown at ${holderOf(mine) ?? 'nobody'}`);
      expectThat(holderOf(theirs) !== nicRef, `${theirs} is shown at ${nicRef}`);
      const used = pages[0]?.capacity.secondariesUsed;
      expectThat(used === 1, `${used} secondaries are counted where there is one`);
    },
  },
  {
    area: 'check',
    claim: 'tells present, elsewhere and absent apart, in the order of the request',
    async run(bench) {
      const [mine, theirs, absent] = bench.plan.addresses;
      await bench.mustSucceed({ verb: ASSIGN, addresses: [mine] });
      await bench.mustSucceed({ verb: ASSIGN, addresses: [theirs], side: 'otherNic' });
      const spec = { nic: bench.nicOf('nic'), addresses: [mine, theirs, absent].map((bare) => `${bare}/32`) };
      const { results } = await withoutChange(bench, async () =>
        completed(await bench.optional({ kind: 'CheckRequest', spec }), 'CheckResult'),
      );
      const told = results.map(({ address, state }) => `${address} ${state}`).join(', ');
      const wanted = [`${mine}/32 present`, `${theirs}/32 elsewhere`, `${absent}/32 absent`].join(', ');
      expectThat(told === wanted, `it tells ${told}, not ${wanted}`);
    },
  },
  {
    area: 'preflight',
    claim: 'says for every verb what it needs, and changes nothing',
    async run(bench) {
      const spec = { nic: bench.nicOf('nic'), actions: [...VERBS] };
      const { findings } = await withoutChange(bench, async () =>
        completed(await bench.optional({ kind: 'PreflightRequest', spec }), 'PreflightResult'),
      );
      for (const verb of VERBS) {
        const isSaid = findings.some(({ actions }) => actions.includes(verb));
        expectThat(isSaid, `nothing is said about ${verb}`);
      }
      const unhelpful = findings.find(({ verdict, remedy }) => verdict === 'failed' && remedy === undefined);
      expectThat(unhelpful === undefined, `${unhelpful?.name ?? ''} failed, and no remedy is named`);
    },
  },
];

async function inventory(
  bench: Bench,
): Promise<readonly Extract<InventoryResult['status'], { status: 'completed' }>[]> {
  const pages: Completed<'InventoryResult'>[] = [];
  let page: string | undefined;
  do {
    const spec = { nic: bench.nicOf('nic'), ...(page === undefined ? {} : { page }) };
    const status = completed(await bench.optional({ kind: 'InventoryRequest', spec }), 'InventoryResult');
    pages.push(status);
    page = status.nextPage;
    expectThat(pages.length <= PAGES_MAX, `the inventory does not end after ${PAGES_MAX} pages`);
  } while (page !== undefined);
  return pages;
}
