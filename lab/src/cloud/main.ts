/**
 * Runs one emulated cloud in the network namespace it is started in: `node main.ts --config FILE`.
 * Standard output gets one line when it serves; everything else is JSON lines on standard error. SIGTERM ends it.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createLog, systemClock } from '@routerd/runtime';
import { z } from 'zod';
import { cloudConfig, type CloudConfig } from './cloud-config.ts';
import { startCloud } from './cloud.ts';
import { METADATA_ADDRESS } from './fabric-rules.ts';

const log = createLog('info');

function configFile(): string {
  const { values, positionals } = parseArgs({ options: { config: { type: 'string' } }, allowPositionals: true });
  const file = values.config ?? positionals[0];
  if (file === undefined) throw new Error('usage: main.ts --config FILE');
  return file;
}

function readConfig(file: string): CloudConfig {
  const parsed = cloudConfig.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (!parsed.success) throw new Error(`${file}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

try {
  const config = readConfig(configFile());
  const cloud = await startCloud(config, { clock: systemClock, log });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void cloud.stop());
  const addresses = { api: `${config.apiAddress}:443`, metadata: `${METADATA_ADDRESS}:80` };
  process.stdout.write(
    `${JSON.stringify({ event: 'cloud.ready', cloud: config.cloud, pid: process.pid, ...addresses })}\n`,
  );
} catch (cause) {
  log.error('the cloud did not start', {
    event: 'cloud.start.failed',
    cause: cause instanceof Error ? cause.message : cause,
  });
  process.exitCode = 1;
}
