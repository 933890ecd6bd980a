/** E1: the scripts of examples/cloudedge-mobility-demo, as they are, with the lab's machines in place of real ones. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runCommand } from '@routerd/runtime';
import { EXAMPLES_DIR } from '../examples.ts';
import type { Lab } from '../lab.ts';
import type { Scenario } from '../scenario.ts';
import { FOUR_SITES } from '../topology.ts';

const PACKAGE = path.join(EXAMPLES_DIR, 'cloudedge-mobility-demo');

export const exampleDemo: Scenario = {
  id: 'E1',
  title: 'examples/cloudedge-mobility-demo: its scripts, run against the lab',
  topology: FOUR_SITES,
  isLong: true,
  async run({ lab, evidence }) {
    const env = { ENV_FILE: writeSettings(lab), EVIDENCE_ROOT: path.join(evidence.dir, 'collected') };
    for (const script of ['run-demo.sh', 'collect-evidence.sh', 'reset-lab.sh']) {
      const result = await runCommand(['sh', path.join(PACKAGE, script)], {
        timeoutMs: 180_000,
        env: { PATH: process.env['PATH'] ?? '', ...env },
      });
      const text = result.ok ? result.value.stdout : `${result.error.stdout}\n${result.error.stderr}`;
      evidence.file(`${script}.txt`, text);
      const bad = text.split('\n').filter((line) => line.startsWith('FAIL'));
      evidence.check(`${script}: exit code`, '0', result.ok ? '0' : text.slice(-300));
      evidence.check(`${script}: lines that failed`, 'none', bad.join('; ') || 'none');
    }
  },
};

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
