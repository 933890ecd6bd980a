#!/usr/bin/env node
/**
 * Runs a command with everything it needs: `node tools/with.mjs [options] -- COMMAND [ARGUMENTS]`. Plain JavaScript without
 * dependencies, because it is what an old Node (18 or newer) and npm start with; what it runs has the pinned Node.
 *
 *   --apt COMMAND[=PACKAGE]…  Debian packages for commands that are not installed
 *   --apt-lab                 the same, for everything that the lab and the integration tests run
 *   --no-install              the dependencies are left as they are
 *
 * In this order, each step skipped when there is nothing to do (a warm start costs under 0.1 s):
 * 1. the pinned Node and pnpm come from the npm registry into .toolchain/, checked by sha512, never installed globally;
 * 2. missing Debian packages are installed when the user is root, otherwise named;
 * 3. pnpm installs the dependencies when a manifest or the lockfile changed;
 * 4. the native addon is tried, and built from source where its binary does not load;
 * 5. the command runs with that Node, pnpm and node_modules/.bin first on PATH; signals and exit code are passed on.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

/** Type stripping is stable and better-sqlite3 13 finds Node-API 10 from here on. */
const MIN_NODE = [24, 15];

/** Command, its Debian package, and the service that the package would enable: the lab runs its own instances of those. */
const LAB_COMMANDS = [
  ['ip', 'iproute2'],
  ['tc', 'iproute2'],
  ['sysctl', 'procps'],
  ['nsenter', 'util-linux'],
  ['unshare', 'util-linux'],
  ['setpriv', 'util-linux'],
  ['nft', 'nftables', 'nftables'],
  ['wg', 'wireguard-tools'],
  ['wireguard-go', 'wireguard-go'],
  ['nats-server', 'nats-server', 'nats-server'],
  ['keepalived', 'keepalived', 'keepalived'],
  ['arping', 'iputils-arping'],
  ['ping', 'iputils-ping'],
  ['fping', 'fping'],
  ['tcpdump', 'tcpdump'],
  ['conntrack', 'conntrack'],
  ['sshd', 'openssh-server', 'ssh'],
  ['ssh', 'openssh-client'],
  ['openssl', 'openssl'],
  ['socat', 'socat'],
  ['spin', 'spin'],
  ['gcc', 'build-essential'],
];

const POLICY_FILE = '/usr/sbin/policy-rc.d';
const POLICY_MARK = '# routerd set-up: no service starts while its package is installed';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const toolchainHome = path.join(root, '.toolchain');

// ---- words ------------------------------------------------------------------------------------

function log(text) {
  process.stderr.write(`[setup] ${text}\n`);
}

function die(text, remedy, code = 1) {
  process.stderr.write(`[setup] error: ${text}\n${remedy ? `[setup] remedy: ${remedy}\n` : ''}`);
  process.exit(code);
}

function secondsSince(start) {
  return `${((Date.now() - start) / 1000).toFixed(1)} s`;
}

// ---- files and processes -----------------------------------------------------------------------

function readInRoot(file) {
  return fs.readFileSync(path.join(root, file));
}

/** A process that was orphaned may still write there; what is left then goes at the next set-up. */
function removeTree(folder) {
  try {
    fs.rmSync(folder, { recursive: true, force: true, maxRetries: 2 });
  } catch {
    log(`${folder} could not be removed yet`);
  }
}

function digest(...parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex').slice(0, 16);
}

/** What an outer `npm run` put there would change how the inner npm and pnpm behave; the user's own settings (registry, proxy, CA) stay. */
const NPM_INJECTED =
  /^npm_(package_|lifecycle_|command$|execpath$|node_execpath$|config_(local_prefix|global_prefix|prefix|nodedir|node_gyp|npm_version|user_agent)$)/i;
const cleanEnv = Object.fromEntries(Object.entries(process.env).filter(([name]) => !NPM_INJECTED.test(name)));

/** Output goes to stderr: stdout belongs to the command. */
function run(file, args, options = {}) {
  const result = spawnSync(file, args, { cwd: root, env: cleanEnv, stdio: ['ignore', 2, 2], ...options });
  if (result.error) die(`${file} cannot be run: ${result.error.message}`, `Install ${file} and run this again.`);
  return result.status ?? 1;
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return cause.code === 'EPERM';
  }
}

function lockOwner(folder) {
  try {
    return Number(fs.readFileSync(path.join(folder, 'pid'), 'utf8'));
  } catch {
    return 0; // between the making of the folder and the writing of the pid
  }
}

/** Two commands started together set up once. The lock is a folder with its owner's pid; a dead owner's lock is taken over. */
function withLock(work) {
  const folder = path.join(toolchainHome, 'lock');
  fs.mkdirSync(toolchainHome, { recursive: true });
  for (let waitedMs = 0; ; waitedMs += 200) {
    try {
      fs.mkdirSync(folder);
      fs.writeFileSync(path.join(folder, 'pid'), String(process.pid));
      break;
    } catch (cause) {
      if (cause.code !== 'EEXIST') throw cause;
    }
    const owner = lockOwner(folder);
    if (owner ? !isAlive(owner) : waitedMs > 5000) {
      fs.rmSync(folder, { recursive: true, force: true });
      continue;
    }
    if (waitedMs === 0) log(`waiting for the set-up that process ${owner || '?'} does`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
  const unlock = () => fs.rmSync(folder, { recursive: true, force: true });
  process.once('exit', unlock); // `die` leaves by this door
  try {
    return work();
  } finally {
    unlock();
    process.removeListener('exit', unlock);
  }
}

// ---- arguments ---------------------------------------------------------------------------------

function parseArguments(argv) {
  const cut = argv.indexOf('--');
  const options = cut < 0 ? [] : argv.slice(0, cut);
  const command = cut < 0 ? argv : argv.slice(cut + 1);
  const apt = [];
  let install = true;
  for (let i = 0; i < options.length; i++) {
    if (options[i] === '--no-install') install = false;
    else if (options[i] === '--apt-lab') apt.push(...LAB_COMMANDS);
    else if (options[i] === '--apt')
      while (i + 1 < options.length && !options[i + 1].startsWith('--')) apt.push(options[++i].split('='));
    else
      die(
        `there is no option ${options[i]}`,
        'node tools/with.mjs [--apt COMMAND=PACKAGE…] [--apt-lab] [--no-install] -- COMMAND',
        2,
      );
  }
  return { apt, install, command };
}

// ---- 1. Node and pnpm --------------------------------------------------------------------------

/** @returns the folder of Node (for native builds) and the folders for PATH */
function provideToolchain() {
  const target = `${process.platform}-${process.arch}`;
  const musl = process.platform === 'linux' && /\/ld-musl-/.test(fs.readFileSync('/proc/self/maps', 'latin1'));
  const lockfile = readInRoot('tools/toolchain/package-lock.json');
  const pins = JSON.parse(readInRoot('tools/toolchain/package.json')).optionalDependencies;
  const packages = { node: `node-${target}`, pnpm: `@pnpm/exe.${target}` };
  if (musl || !pins[packages.node] || !pins[packages.pnpm]) return useOwnNode(musl ? `${target} (musl)` : target, pins);
  const dir = path.join(toolchainHome, `${target}-${digest(lockfile)}`);
  const isComplete = () => fs.existsSync(path.join(dir, 'ok'));
  if (!isComplete()) {
    withLock(() => {
      if (!isComplete()) fetchToolchain(dir, packages, pins);
    });
  }
  return { nodeDir: path.join(dir, 'node_modules', packages.node), binDirs: [path.join(dir, 'bin')] };
}

/** Made beside its place and renamed when it is complete: a set-up that is killed leaves nothing half done. */
function fetchToolchain(dir, packages, pins) {
  const start = Date.now();
  log(`fetching Node ${pins[packages.node]} and pnpm ${pins[packages.pnpm]} from the npm registry (once)`);
  const draft = path.join(toolchainHome, `tmp-${process.pid}`);
  removeTree(draft);
  fs.mkdirSync(draft);
  for (const file of ['package.json', 'package-lock.json']) {
    fs.copyFileSync(path.join(root, 'tools/toolchain', file), path.join(draft, file));
  }
  npmCi(draft);
  // npm leaves out an optional dependency that it cannot fetch, or whose sha512 is wrong, and exits with 0: so look.
  for (const name of Object.values(packages)) {
    if (!fs.existsSync(path.join(draft, 'node_modules', name, 'package.json'))) {
      die(
        `npm did not install ${name}: the registry lacks it, or its content is not what was pinned`,
        `cd ${draft} && npm ci --ignore-scripts --loglevel=verbose`,
      );
    }
  }
  const bin = path.join(draft, 'bin');
  fs.mkdirSync(bin);
  fs.symlinkSync(`../node_modules/${packages.node}/bin/node`, path.join(bin, 'node'));
  fs.symlinkSync(`../node_modules/${packages.pnpm}/pnpm`, path.join(bin, 'pnpm'));
  expectVersion(path.join(bin, 'node'), `v${pins[packages.node]}`);
  expectVersion(path.join(bin, 'pnpm'), pins[packages.pnpm]);
  fs.writeFileSync(path.join(draft, 'ok'), '');
  removeTree(dir);
  fs.renameSync(draft, dir);
  for (const name of fs.readdirSync(toolchainHome)) {
    const isOurs = /-[0-9a-f]{16}$|^tmp-/.test(name);
    if (isOurs && path.join(toolchainHome, name) !== dir) removeTree(path.join(toolchainHome, name));
  }
  log(`toolchain ready in ${secondsSince(start)}`);
}

function npmCi(cwd) {
  const outer = process.env.npm_execpath; // the very npm that runs us, if one does
  const [file, before] = outer && /npm-cli\.[cm]?js$/.test(outer) ? [process.execPath, [outer]] : ['npm', []];
  const args = [...before, 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
  if (run(file, args, { cwd }) === 0) return;
  log('npm ci failed; trying once more, registries have moments');
  if (run(file, args, { cwd }) !== 0)
    die('the toolchain could not be fetched (npm says why above)', 'Check the npm registry: npm ping');
}

function expectVersion(executable, wanted) {
  const result = spawnSync(executable, ['--version'], { cwd: os.tmpdir(), env: cleanEnv, encoding: 'utf8' });
  const found = result.stdout?.trim();
  if (found !== wanted) {
    die(
      `${path.basename(executable)} from the registry does not run here: wanted ${wanted}, got ${found || result.error?.message || result.stderr}`,
    );
  }
}

/** No binaries are pinned for this platform: the caller's Node has to do, and npm fetches pnpm. */
function useOwnNode(target, pins) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < MIN_NODE[0] || (major === MIN_NODE[0] && minor < MIN_NODE[1])) {
    die(
      `no Node is pinned for ${target}, and this is ${process.version}`,
      `Run it with Node ${MIN_NODE.join('.')} or newer.`,
    );
  }
  const version = pins[Object.keys(pins).find((name) => name.startsWith('@pnpm/'))];
  const dir = path.join(toolchainHome, `pnpm-${digest(version)}`);
  if (!fs.existsSync(path.join(dir, 'ok'))) {
    fs.mkdirSync(dir, { recursive: true });
    fs.writeFileSync(path.join(dir, 'package.json'), '{"private":true}');
    const args = ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error', `pnpm@${version}`];
    if (run('npm', args, { cwd: dir }) !== 0) die('pnpm could not be fetched', 'Check the npm registry: npm ping');
    fs.writeFileSync(path.join(dir, 'ok'), '');
  }
  const binDirs = [path.dirname(process.execPath), path.join(dir, 'node_modules/.bin')];
  return { nodeDir: path.resolve(process.execPath, '../..'), binDirs };
}

// ---- 2. Debian packages ------------------------------------------------------------------------

function isInstalled(command) {
  const folders = [...(cleanEnv.PATH ?? '').split(path.delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => folder && fs.existsSync(path.join(folder, command)));
}

function provideDebianPackages(wanted) {
  const missing = wanted.filter(([command]) => !isInstalled(command));
  if (missing.length === 0) return;
  const commands = missing.map(([command]) => command).join(', ');
  const packages = [...new Set(missing.map(([command, name]) => name || command))];
  const remedy = `apt-get install -y --no-install-recommends ${packages.join(' ')}   (as root)`;
  const allowed =
    process.platform === 'linux' && process.getuid() === 0 && isInstalled('apt-get') && !process.env.ROUTERD_NO_APT;
  if (!allowed) {
    log(`not installed: ${commands}; what needs them will say so\n[setup] remedy: ${remedy}`);
    return;
  }
  log(`installing with apt: ${packages.join(' ')}`);
  if (!aptInstall(packages)) {
    run('apt-get', ['update', '-qq']);
    aptInstall(packages);
  }
  const still = missing.filter(([command]) => !isInstalled(command)).map(([command]) => command);
  if (still.length > 0)
    log(`apt did not bring: ${still.join(', ')}; what needs them will say so\n[setup] remedy: ${remedy}`);
  disableServices(missing.flatMap(([command, , service]) => (service && isInstalled(command) ? [service] : [])));
}

/** policy-rc.d keeps package scripts from starting daemons (/usr/share/doc/init-system-helpers). One that is there already stays as it is. */
function aptInstall(packages) {
  const isOurs = () => fs.existsSync(POLICY_FILE) && fs.readFileSync(POLICY_FILE, 'utf8').includes(POLICY_MARK);
  if (!fs.existsSync(POLICY_FILE))
    fs.writeFileSync(POLICY_FILE, `#!/bin/sh\n${POLICY_MARK}\nexit 101\n`, { mode: 0o755 });
  try {
    const args = [
      '-o',
      'DPkg::Lock::Timeout=120',
      '-o',
      'Dpkg::Use-Pty=0',
      'install',
      '-y',
      '-qq',
      '--no-install-recommends',
    ];
    return run('apt-get', [...args, ...packages], { env: { ...cleanEnv, DEBIAN_FRONTEND: 'noninteractive' } }) === 0;
  } finally {
    if (isOurs()) fs.rmSync(POLICY_FILE, { force: true });
  }
}

/** A package enables its service for the next boot even when it may not start it now; nobody asked for a daemon. */
function disableServices(services) {
  if (services.length === 0 || !isInstalled('systemctl')) return;
  spawnSync('systemctl', ['disable', '--quiet', ...services], { stdio: 'ignore' });
}

// ---- 3. dependencies ---------------------------------------------------------------------------

function manifests() {
  const folders = ['packages', 'plugins'].flatMap((group) => {
    const dir = path.join(root, group);
    return fs.existsSync(dir)
      ? fs
          .readdirSync(dir)
          // oxlint-disable-next-line unicorn/no-array-sort -- toSorted came with Node 20
          .sort()
          .map((name) => `${group}/${name}`)
      : [];
  });
  const nested = [...folders, 'lab'].map((folder) => `${folder}/package.json`);
  return [
    'package.json',
    'pnpm-lock.yaml',
    'pnpm-workspace.yaml',
    ...nested.filter((file) => fs.existsSync(path.join(root, file))),
  ];
}

function provideDependencies(toolchain, env) {
  const stamp = path.join(root, 'node_modules/.setup-stamp');
  const lockfile = readInRoot('tools/toolchain/package-lock.json');
  const key = () => digest(lockfile, process.arch, ...manifests().flatMap((file) => [file, readInRoot(file)]));
  const isFresh = () => fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === key();
  if (isFresh()) return;
  withLock(() => {
    if (isFresh()) return;
    const start = Date.now();
    log('installing dependencies with pnpm');
    // The age and trust policies are enforced where the lockfile changes. Asking again here would fetch 55 MB of the registry's
    // metadata (10 to 15 s instead of 5); the sha512 of every package is checked all the same.
    const policies = ['--config.minimum-release-age=0', '--config.trust-policy=off'];
    const args = [
      'install',
      '--frozen-lockfile',
      '--prefer-offline',
      ...policies,
      '--reporter=append-only',
      '--loglevel=warn',
    ];
    const code = run('pnpm', args, { env: { ...env, CI: '1' } });
    if (code !== 0)
      die(
        'pnpm install failed (it says why above)',
        'Is the lockfile out of date? npm run x -- pnpm install --no-frozen-lockfile',
        code,
      );
    provideNativeAddon(toolchain, env);
    fs.writeFileSync(stamp, key());
    log(`dependencies ready in ${secondsSince(start)}`);
  });
}

// ---- 4. the native addon -----------------------------------------------------------------------

function provideNativeAddon(toolchain, env) {
  const cwd = path.join(root, 'packages/store');
  if (!fs.existsSync(path.join(cwd, 'node_modules/better-sqlite3'))) return;
  const trial = "new (require('better-sqlite3'))(':memory:').prepare('select 1').get()";
  const attempt = () =>
    spawnSync(path.join(toolchain.binDirs[0], 'node'), ['-e', trial], { cwd, env, encoding: 'utf8' });
  const first = attempt();
  if (first.status === 0) return;
  const why = first.signal ?? first.stderr.split('\n').find((line) => line.includes('Error')) ?? first.status;
  log(`better-sqlite3: the shipped binary does not load (${why}); building it from source, about a minute`);
  const dir = fs.realpathSync(path.join(cwd, 'node_modules/better-sqlite3'));
  const code = run(
    'pnpm',
    ['dlx', 'node-gyp@13.1.0', 'rebuild', '--release', '--force_build=1', `--directory=${dir}`],
    { env },
  );
  const second = attempt();
  if (code !== 0 || second.status !== 0) {
    const lines = second.stderr.trim().split('\n').slice(0, 3).join(' | ');
    die(`better-sqlite3 cannot be built here: ${lines}`, 'apt-get install -y build-essential python3');
  }
}

// ---- 5. the command ----------------------------------------------------------------------------

function runCommand(command, env) {
  const child = spawn(command[0], command.slice(1), { cwd: process.cwd(), env, stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) {
    process.on(signal, () => {
      // A terminal delivers Ctrl-C to the whole foreground group: the child has it already.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on('error', (cause) =>
    die(cause.code === 'ENOENT' ? `there is no command ${command[0]}` : cause.message, undefined, 127),
  );
  child.on('exit', (code, signal) => {
    process.exitCode = signal ? 128 + (os.constants.signals[signal] ?? 0) : (code ?? 1);
  });
}

const { apt, install, command } = parseArguments(process.argv.slice(2));
const toolchain = provideToolchain();
const env = {
  ...cleanEnv,
  PATH: [...toolchain.binDirs, path.join(root, 'node_modules/.bin'), cleanEnv.PATH].join(path.delimiter),
  npm_config_nodedir: toolchain.nodeDir, // native builds take the headers of the Node that will load them
  ROUTERD_ROOT: root,
};
delete env.NODE_OPTIONS; // meant for the Node that started this
provideDebianPackages(apt);
if (install) provideDependencies(toolchain, env);
if (command.length > 0) runCommand(command, env);
