/** Runs on the operator's machine: by how many hubs each stream is kept, the least of them. Arguments: the operator's folder. */
import { groupRoster, provisionGroup } from '@routerd/federation';

const group = await groupRoster(process.argv[2] ?? '');
// Replicas are never lowered by this.
const done = group.ok ? await provisionGroup({ ...group.value, replicas: 1 }) : group;
if (done.ok) process.stdout.write(`${Math.min(...done.value.streams.map(({ replicas }) => replicas))}\n`);
else process.stderr.write(`${done.error.code}: ${done.error.detail}\n`);
process.exit(done.ok ? 0 : 1);
