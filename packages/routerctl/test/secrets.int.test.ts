/**
 * A running daemon keeps secrets to itself: they are planted in its environment, in a plugin's environment and in what the plugin writes,
 * and searched in everything that routerctl prints, in the log, in the state folder and in the processes below the daemon.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { DaemonRig } from './daemon-rig.ts';

const hex = (bytes: number): string => randomBytes(bytes).toString('hex');
const planted = {
  /** In the daemon's own environment, as a supervisor may leave it there. */
  daemon: `daemon-${hex(20)}`,
  /** In Plugin.spec.env, under a key that says what it is. */
  declared: `wJalr${hex(20)}`,
  /** Said by a metadata service, and passed on by the plugin. */
  session: `IQoJb3${hex(40)}`,
};
const found = (text: string): readonly string[] =>
  Object.entries(planted).flatMap(([name, secret]) => (text.includes(secret) ? [name] : []));

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => path.join(folder, name))
    .filter((file) => statSync(file).isFile());
}

/** What stands behind the other commands: each only shows its answer. */
async function answerOf(socketPath: string, asked: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path: asked }, (message) => {
      let text = '';
      message.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      message.once('end', () => resolve(message.statusCode === 200 ? text : ''));
    });
    sent.once('error', reject);
    sent.end();
  });
}

test('no secret is in what routerctl prints, in the log, in the state, or in a process that has no business with it', async () => {
  process.env['DAEMON_SECRET'] = planted.daemon;
  onTestFinished(() => void delete process.env['DAEMON_SECRET']);
  const rig = await DaemonRig.make();
  const script = path.join(rig.folder, 'leaky.sh');
  const seen = path.join(rig.folder, 'seen-by-the-plugin');
  writeFileSync(
    script,
    `#!/bin/sh
cat > /dev/null
{ tr '\\0' '\\n' < /proc/$PPID/cmdline; env; } > ${seen}
echo '{"Code":"Success","SecretAccessKey":"'"$AWS_SECRET_ACCESS_KEY"'","Token":"${planted.session}"}' >&2
echo "Authorization: Bearer ${planted.session}" >&2
echo "403 from the API: X-Amz-Security-Token=${planted.session} secret_key=$AWS_SECRET_ACCESS_KEY" >&2
exit 7
`,
  );
  chmodSync(script, 0o755);
  rig.configure(`apiVersion: plugin.routerd.net/v1alpha1
kind: Plugin
metadata: { name: leaky }
spec:
  executable: ${script}
  capabilities: [observe.cloud]
  env: { AWS_SECRET_ACCESS_KEY: ${planted.declared} }
`);
  await rig.start();
  await rig.routerctl('plugin', 'run', 'leaky');
  expect((await rig.routerctl('plugin', 'runs', 'leaky')).stdout).toContain('Failed');

  for (const command of [
    ['get', 'plugins', '-o', 'yaml'],
    ['plugin', 'runs', 'leaky', '-o', 'json'],
    ['doctor', '-o', 'json'],
  ]) {
    const { stdout, stderr } = await rig.routerctl(...command);
    expect(found(stdout + stderr), command.join(' ')).toEqual([]);
  }
  for (const asked of [
    '/v1/status',
    '/v1/resources',
    '/v1/plugins',
    '/v1/config/effective',
    '/v1/actions',
    '/metrics',
  ]) {
    const answer = await answerOf(path.join(rig.folder, 'sock'), asked);
    expect(answer, asked).not.toBe('');
    expect(found(answer), asked).toEqual([]);
  }
  const environment = readFileSync(seen, 'utf8');
  expect(environment).toContain(planted.declared);
  expect(environment).not.toContain(planted.daemon);
  await rig.stop();
  // The configuration and the script are where secrets were planted; the rest is what the daemon left behind.
  const own = new Set([script, seen, path.join(rig.folder, 'router.yaml')]);
  for (const file of filesBelow(rig.folder).filter((each) => !own.has(each)))
    expect(found(readFileSync(file, 'latin1')), file).toEqual([]);
}, 120_000);
