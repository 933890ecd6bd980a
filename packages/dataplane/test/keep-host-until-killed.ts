/** A daemon reduced to its dataplane, run inside a namespace: prints its status when settled, then lives until it is killed. */
import { RecordingLog, systemClock } from '@routerd/runtime';
import { createLinuxHost, createHostReconciler, lower, MemoryLedger } from '../src/index.ts';
import { overlayPeer, proxyArpClaim, wireGuardInterface, wireGuardPeer } from './claims.ts';

const [device = '', privateKeyFile = '', listenPort = ''] = process.argv.slice(2);
const shared = { clock: systemClock, log: new RecordingLog() };
const reconciler = createHostReconciler({
  ...shared,
  host: createLinuxHost(shared),
  ledger: new MemoryLedger(),
});
reconciler.start();
reconciler.setDesired(
  lower(
    [
      wireGuardInterface(device, { privateKeyFile, listenPort: Number(listenPort) }),
      wireGuardPeer('other', device),
      overlayPeer('other', { interface: device }),
      proxyArpClaim('10.77.60.11/32', 'other'),
    ],
    { isCaptureOpen: () => true },
  ).state,
);
await reconciler.settled();
const { opsLanded, settled, residuals } = reconciler.status();
process.stdout.write(`${JSON.stringify({ opsLanded, settled, residuals })}\n`);
