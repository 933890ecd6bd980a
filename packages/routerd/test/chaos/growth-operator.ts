/** Runs on the operator's machine: by how many hubs each stream is kept, the least of them, and by which all are. Arguments: the operator's folder. */
import { groupRoster, provisionGroup, surveyHubs } from '@routerd/federation';
import type { NodeName } from '@routerd/resources';

const group = await groupRoster(process.argv[2] ?? '');
// Replicas are never lowered by this.
const done = group.ok ? await provisionGroup({ ...group.value, replicas: 1 }) : group;
if (!group.ok || !done.ok) {
  process.stderr.write(done.ok ? '' : `${done.error.code}: ${done.error.detail}\n`);
  process.exit(1);
}
const hubs = new Map(group.value.servers.map((server) => [server as NodeName, server]));
const { silent, streams } = await surveyHubs({ ...group.value, hubs });
const replicas = Math.min(...done.value.streams.map((stream) => stream.replicas));
const keepers = (streams[0]?.keepers ?? []).filter((name) => streams.every((stream) => stream.keepers.includes(name)));
process.stdout.write(JSON.stringify({ replicas, keepers: keepers.toSorted(), silent }));
process.exit(0);
