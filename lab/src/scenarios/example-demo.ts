/** E1: the scripts of examples/cloudedge-mobility-demo, as they are, with the lab's machines in place of real ones; and what its IAM documents allow. */
import { chmodSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runCommand } from '@routerd/runtime';
import { EXAMPLES_DIR } from '../examples.ts';
import { notAllowed } from '../iam-documents.ts';
import type { Lab } from '../lab.ts';
import { cloudControl } from '../measure/move-watch.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { CLOUDS, FOUR_SITES, ROUTERS } from '../topology.ts';

/** They start a hundred programs; what takes half a minute on a quiet machine has taken two on a very busy one. */
const SCRIPT_TIMEOUT_MS = 600_000;
const PACKAGE = path.join(EXAMPLES_DIR, 'cloudedge-mobility-demo');

export const exampleDemo: Scenario = {
  id: 'E1',
  title: 'examples/cloudedge-mobility-demo: its scripts, run against the lab',
  asserts:
    'the scripts end with 0 and no failed line; every command collected was answered; the IAM documents allow what was asked',
  seconds: 30,
  topology: FOUR_SITES,
  isLong: true,
  async run(stage) {
    const { lab, evidence } = stage;
    const collected = path.join(evidence.dir, 'collected');
    const env = { ENV_FILE: writeSettings(lab), EVIDENCE_ROOT: collected };
    for (const script of ['run-demo.sh', 'collect-evidence.sh', 'reset-lab.sh']) await runs(stage, script, env);
    judgeCollected(stage, collected);
    await judgePermissions(stage);
  },
};

async function runs({ evidence }: Stage, script: string, env: Readonly<Record<string, string>>): Promise<void> {
  const result = await runCommand(['sh', path.join(PACKAGE, script)], {
    timeoutMs: SCRIPT_TIMEOUT_MS,
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  const text = result.ok ? result.value.stdout : `${result.error.stdout}\n${result.error.stderr}`;
  evidence.file(`${script}.txt`, text);
  const lines = text.split('\n');
  const bad = lines.filter((line) => line.startsWith('FAIL'));
  evidence.check(`${script}: exit code`, '0', result.ok ? '0' : text.slice(-300));
  evidence.check(`${script}: lines that failed`, 'none', bad.join('; ') || 'none');
  evidence.count(`${script}: lines that held`, lines.filter((line) => line.startsWith('ok ')).length);
}

/** One file for each router, in which every command was answered. */
function judgeCollected({ evidence }: Stage, root: string): void {
  const files = globSync('*/*.txt', { cwd: root }).toSorted();
  const wanted = ROUTERS.map(({ name }) => `${name}.txt`).toSorted();
  evidence.check('collected', wanted.join(' '), files.map((file) => path.basename(file)).join(' '));
  for (const file of files) {
    const refused = /^=== (.*)(?:\n(?!===).*)*\n\(exit code/m.exec(readFileSync(path.join(root, file), 'utf8'));
    evidence.check(`${path.basename(file)}: a command that failed`, 'none', refused?.[1] ?? 'none');
  }
}

/** Everything that a router asked of its cloud since the lab came up. */
async function judgePermissions({ lab, evidence }: Stage): Promise<void> {
  for (const cloud of CLOUDS) {
    const asked = (await cloudControl(lab, cloud).journal()).filter(({ service }) => service === 'api');
    const operations = new Set(asked.map(({ operation }) => operation));
    evidence.check(`${cloud}: operations that routers asked for`, 'some', operations.size > 0 ? 'some' : 'none');
    const missing = notAllowed(cloud, operations).join(' ') || 'none';
    evidence.check(`${cloud}: those that its IAM document does not allow`, 'none', missing);
  }
}

/** The example's own settings; only the way to the machines is the lab's. @returns the file */
function writeSettings(lab: Lab): string {
  const on = path.join(lab.files.stateDir, 'hosts', 'on-lab');
  const cases = [...lab.vms].map(([name, vm]) => {
    const environment = Object.entries(vm.environment()).map(([key, value]) => `'${key}=${value}'`);
    return `${name}) exec ${vm.enter(['env', ...environment]).join(' ')} "$@" ;;`;
  });
  writeFileSync(on, `#!/bin/sh\nmachine=$1\nshift\ncase $machine in\n${cases.join('\n')}\nesac\nexit 127\n`);
  chmodSync(on, 0o755);
  const settings = path.join(lab.files.stateDir, 'hosts', 'demo.env');
  const example = readFileSync(path.join(PACKAGE, 'env.example'), 'utf8');
  writeFileSync(settings, example.replace(/^ON=.*$/m, `ON='${on}'`));
  return settings;
}
