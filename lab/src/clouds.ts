/** The emulated clouds: one process in each fabric's machine is the metadata service, the vendor's API and the fabric's rules. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cloudConfigOf, controlSocket, type CloudFiles, type EmulatorTimings } from './cloud-accounts.ts';
import type { Lab } from './lab.ts';
import type { EmulatedCloud } from './topology.ts';

const PROGRAM = path.join(import.meta.dirname, 'cloud/main.ts');

/** How long after a mutating call packets follow, milliseconds. */
const FABRIC_DELAYS_MS: Readonly<Record<EmulatedCloud, number>> = { aws: 40, azure: 50, oci: 50, gcp: 50 };

/** @param apiLatencyMs how long a mutating call takes, at each vendor the same, so that what is measured can be compared; for Azure the whole operation */
function timingsOf(cloud: EmulatedCloud, apiLatencyMs: number): EmulatorTimings {
  return { mutationDelayMs: apiLatencyMs, fabricDelayMs: FABRIC_DELAYS_MS[cloud] };
}

export async function startClouds(lab: Lab, pki: (cloud: EmulatedCloud) => CloudFiles): Promise<void> {
  const dir = path.join(lab.files.stateDir, 'clouds');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  await Promise.all(
    lab.topology.fabrics.map(async ({ name, cloud }) => {
      const configFile = path.join(dir, `${cloud}.json`);
      const place = {
        topology: lab.topology,
        files: lab.files,
        pki: pki(cloud),
        timings: timingsOf(cloud, lab.record.apiLatencyMs),
      };
      const config = cloudConfigOf(cloud, place);
      writeFileSync(configFile, JSON.stringify(config, undefined, 2));
      await lab.startDaemon(name, 'cloud', [process.execPath, PROGRAM, configFile], {
        NODE_COMPILE_CACHE: lab.files.compileCacheDir,
      });
      const socket = controlSocket(lab.files, cloud);
      await lab.untilDaemon(name, 'cloud', 'serving', () => {
        const vm = lab.vm(name);
        return vm.hasListener(443) && vm.hasListener(80) && existsSync(socket);
      });
    }),
  );
}
