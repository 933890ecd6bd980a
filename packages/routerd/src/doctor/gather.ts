/** From what a daemon knows of itself to the facts that the checks look at. */
import { EMPTY_HOST_STATE } from '@routerd/dataplane';
import type { PeerReport } from '@routerd/federation';
import type { Instant } from '@routerd/resources';
import { ofKind } from '@routerd/resources';
import type { PoolState } from '../pool-state.ts';
import type { NodeView } from '../views/node-view.ts';
import { vrrpGateOf } from '../vrrp-gates.ts';
import { readHostFacts, type HostReader } from './adapters/read-host.ts';
import { readPluginFile } from './adapters/read-plugin-files.ts';
import type { ActionFact, DoctorFacts, HoldingFact, PluginFact } from './doctor-facts.ts';

export interface GatherPorts {
  readonly node: NodeView;
  readonly peers: () => readonly PeerReport[];
  /** Undefined: the host is not looked at. */
  readonly reader: HostReader | undefined;
  readonly now: Instant;
}

export async function gatherFacts({ node, peers, reader, now }: GatherPorts): Promise<DoctorFacts> {
  const derived = node.derived();
  const effective = derived?.effective ?? node.startup;
  const claims = derived?.claims ?? [];
  const gated = ofKind(effective, 'RemoteAddressClaim').filter(({ spec }) => vrrpGateOf(spec.capture) !== undefined);
  const probed = new Set(gated.map(({ metadata }) => metadata.name));
  const federation = node.federation();
  return {
    now,
    effective,
    problems: derived?.problems ?? [],
    claims,
    mssClamps: (derived?.host ?? EMPTY_HOST_STATE).mssClamps,
    roleOf: (name) => node.vrrp.role(name),
    vrrpFault: node.vrrp.fault(),
    pathOf: (peer) => node.path(peer),
    healthOf: (name) => node.health(name),
    host: reader === undefined ? undefined : await readHostFacts(reader, claims, probed),
    leases: node.pools.flatMap((pool) => [...pool.plans()].flatMap(({ lease }) => lease ?? [])),
    federation: federation === undefined ? undefined : { ...federation, peers: peers() },
    parts: derived?.config.parts ?? [],
    idlePolicies: idlePolicies(node),
    plugins: await pluginFacts(node, reader !== undefined),
    actions: actionFacts(node),
    holdings: node.pools.flatMap((pool) => holdingFacts(node, pool)),
  };
}

function idlePolicies(node: NodeView): readonly string[] {
  const suppressed = node.derived()?.config.suppressed ?? [];
  return ofKind(node.startup, 'DynamicOverridePolicy')
    .filter(({ spec }) =>
      spec.allow.every(
        ({ source }) => !suppressed.some(({ maskedBy }) => maskedBy.includes(`DynamicConfigPart/${source}`)),
      ),
    )
    .map(({ metadata }) => metadata.name);
}

async function pluginFacts(node: NodeView, look: boolean): Promise<readonly PluginFact[]> {
  const views = node.observing?.().plugins ?? [];
  return Promise.all(
    ofKind(node.startup, 'Plugin').map(async ({ metadata: { name }, spec: { executable } }) => {
      const view = views.find(({ plugin }) => plugin.metadata.name === name);
      return {
        name,
        executable,
        file: look ? await readPluginFile(executable) : undefined,
        observing: view === undefined ? undefined : { lastRun: view.lastRun },
      };
    }),
  );
}

function actionFacts(node: NodeView): readonly ActionFact[] {
  return node.actions().map(({ id, status, message, proposal }) => {
    const pool = node.pools.find(({ context }) => context.name === proposal.pool);
    const currentEpoch =
      proposal.address === undefined || proposal.captureDomain === undefined
        ? undefined
        : pool?.record(proposal.address, proposal.captureDomain)?.epoch;
    return { id, status, message, proposal, currentEpoch };
  });
}

function holdingFacts(node: NodeView, pool: PoolState): readonly HoldingFact[] {
  const capture = pool.context.selfMember?.spec.capture;
  const { nic, hostCaptures } = node.situation(pool);
  const captured = capture?.type === 'proxy-arp' ? hostCaptures : nic.kind === 'known' ? nic.addresses : undefined;
  return [...pool.heldBySelf()].map(([address, phase]) => ({
    pool: pool.context.name,
    address,
    phase,
    isCaptured: captured?.has(address),
  }));
}
