#!/usr/bin/env node
// Bootstrap + runner. Plain JavaScript, no dependencies, works on Node >= 18.
//
//   node tools/with.mjs [--apt cmd=package ...] [--no-install] -- <command> [args]
//
// 1. fetches the pinned Node + pnpm (tools/toolchain/package-lock.json, sha512-checked)
//    into .toolchain/<key>/ through `npm ci --ignore-scripts` - never a global install;
// 2. installs missing system commands through apt when it may (root), else says what is missing;
// 3. runs `pnpm install --frozen-lockfile` when a manifest or the lockfile changed;
// 4. probes the native addon once per install, and builds it from source if it cannot load;
// 5. runs <command> with that Node, pnpm and node_modules/.bin first on PATH.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const MIN_NODE = [24, 15]; // node:sqlite RC, stable type stripping; better-sqlite3 13 needs Node-API 10
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const log = (m) => process.stderr.write(`[setup] ${m}\n`);
const die = (m, code = 1) => {
  process.stderr.write(`[setup] error: ${m}\n`);
  process.exit(code);
};
const read = (f) => fs.readFileSync(path.join(root, f));
const rm = (f) => {
  try {
    fs.rmSync(f, { recursive: true, force: true, maxRetries: 2 });
  } catch {
    /* an orphaned child may still write there; the next set-up removes it */
  }
};
const sha = (...parts) => {
  const h = createHash('sha256');
  for (const p of parts) h.update(p).update('\0');
  return h.digest('hex').slice(0, 16);
};

// What the lab and the integration tests run: command, Debian package, and the unit that the package would enable.
const LAB_COMMANDS = [
  ['ip', 'iproute2'],
  ['tc', 'iproute2'],
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
  ['tcpdump', 'tcpdump'],
  ['conntrack', 'conntrack'],
  ['sshd', 'openssh-server', 'ssh'],
  ['ssh', 'openssh-client'],
  ['openssl', 'openssl'],
  ['socat', 'socat'],
];

// ---- arguments -------------------------------------------------------------------------------
const argv = process.argv.slice(2);
const cut = argv.indexOf('--');
const opts = cut < 0 ? [] : argv.slice(0, cut);
const command = cut < 0 ? argv : argv.slice(cut + 1);
const apt = [];
let install = true;
for (let i = 0; i < opts.length; i++) {
  if (opts[i] === '--no-install') install = false;
  else if (opts[i] === '--apt') while (opts[i + 1]?.includes('=')) apt.push(opts[++i].split('='));
  else if (opts[i] === '--apt-lab') apt.push(...LAB_COMMANDS);
  else die(`unknown option ${opts[i]}`, 2);
}

// Environment of child processes: drop what an outer `npm run` injects, keep user settings
// (registry, cache, proxy, CA, auth).
const cleanEnv = Object.fromEntries(
  Object.entries(process.env).filter(
    ([k]) =>
      !/^npm_(package_|lifecycle_|command$|execpath$|node_execpath$|config_(local_prefix|global_prefix|prefix|nodedir|node_gyp|npm_version|user_agent)$)/i.test(
        k,
      ),
  ),
);

const run = (file, args, o = {}) => {
  const r = spawnSync(file, args, { cwd: root, env: cleanEnv, stdio: ['ignore', 2, 2], ...o });
  if (r.error) die(`cannot run ${file}: ${r.error.message}`);
  return r.status ?? 1;
};

// A lock directory, so that two commands started together set up once. A lock whose owner is gone is taken over.
function withLock(dir, fn) {
  fs.mkdirSync(path.dirname(dir), { recursive: true });
  const owner = path.join(dir, 'pid');
  for (let waited = 0; ; waited += 200) {
    try {
      fs.mkdirSync(dir);
      fs.writeFileSync(owner, String(process.pid));
      break;
    } catch (e) {
      if (e.code !== 'EEXIST') throw e;
      let pid = 0;
      try {
        pid = Number(fs.readFileSync(owner, 'utf8'));
      } catch {
        /* being written */
      }
      let alive = true;
      if (pid)
        try {
          process.kill(pid, 0);
        } catch (k) {
          alive = k.code === 'EPERM';
        }
      if ((pid && !alive) || (!pid && waited > 5000)) {
        fs.rmSync(dir, { recursive: true, force: true });
        continue;
      }
      if (waited === 0) log(`waiting for another set-up (pid ${pid || '?'})`);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    }
  }
  const unlock = () => fs.rmSync(dir, { recursive: true, force: true });
  process.once('exit', unlock);
  try {
    return fn();
  } finally {
    unlock();
    process.removeListener('exit', unlock);
  }
}

// ---- 1. Node and pnpm ------------------------------------------------------------------------
const ok = (v) => {
  const [a, b] = v.replace(/^v/, '').split('.').map(Number);
  return a > MIN_NODE[0] || (a === MIN_NODE[0] && b >= MIN_NODE[1]);
};
const musl = process.platform === 'linux' && /\/ld-musl-/.test(fs.readFileSync('/proc/self/maps', 'latin1'));
const target = `${process.platform}-${process.arch}`;
const lock = read('tools/toolchain/package-lock.json');
const pins = JSON.parse(read('tools/toolchain/package.json')).optionalDependencies;
const home = path.join(root, '.toolchain');
const nodePkg = `node-${target}`,
  pnpmPkg = `@pnpm/exe.${target}`;
let nodeDir, binDirs;

if (!musl && pins[nodePkg] && pins[pnpmPkg]) {
  const dir = path.join(home, `${target}-${sha(lock)}`);
  const valid = () => fs.existsSync(path.join(dir, 'ok'));
  if (!valid())
    withLock(path.join(home, 'lock'), () => {
      if (valid()) return;
      const t0 = Date.now();
      log(`fetching Node ${pins[nodePkg]} and pnpm ${pins[pnpmPkg]} from the npm registry (once)`);
      const tmp = path.join(home, `tmp-${process.pid}`); // renamed when complete: a killed set-up leaves nothing half done
      rm(tmp);
      fs.mkdirSync(tmp);
      for (const f of ['package.json', 'package-lock.json'])
        fs.copyFileSync(path.join(root, 'tools/toolchain', f), path.join(tmp, f));
      const npmCli = process.env.npm_execpath;
      const [file, pre] = npmCli && /npm-cli\.[cm]?js$/.test(npmCli) ? [process.execPath, [npmCli]] : ['npm', []];
      const args = [
        ...pre,
        'ci',
        '--ignore-scripts',
        '--no-audit',
        '--no-fund',
        '--prefer-offline',
        '--loglevel=error',
      ];
      if (run(file, args, { cwd: tmp }) !== 0) {
        // one retry: registries hiccup
        log('npm ci failed, trying once more');
        if (run(file, args, { cwd: tmp }) !== 0) die('could not fetch the toolchain (see npm output above)');
      }
      // npm skips an optional dependency that it cannot fetch or whose sha512 is wrong, and exits 0: look.
      for (const p of [nodePkg, pnpmPkg])
        if (!fs.existsSync(path.join(tmp, 'node_modules', p, 'package.json')))
          die(
            `npm did not install ${p}: wrong integrity, or the registry lacks it (npm ci --loglevel=verbose in ${tmp})`,
          );
      const bin = path.join(tmp, 'bin');
      fs.mkdirSync(bin);
      fs.symlinkSync(`../node_modules/${nodePkg}/bin/node`, path.join(bin, 'node'));
      fs.symlinkSync(`../node_modules/${pnpmPkg}/pnpm`, path.join(bin, 'pnpm'));
      for (const [exe, want] of [
        ['node', `v${pins[nodePkg]}`],
        ['pnpm', pins[pnpmPkg]],
      ]) {
        const got = spawnSync(path.join(bin, exe), ['--version'], {
          cwd: os.tmpdir(),
          env: cleanEnv,
          encoding: 'utf8',
        });
        if (got.stdout?.trim() !== want)
          die(
            `${exe} from the registry does not run here: wanted ${want}, got ${got.stdout?.trim() || got.error?.message || got.stderr}`,
          );
      }
      fs.writeFileSync(path.join(tmp, 'ok'), '');
      rm(dir);
      fs.renameSync(tmp, dir);
      for (const old of fs.readdirSync(home))
        if (/-[0-9a-f]{16}$|^tmp-/.test(old) && path.join(home, old) !== dir) rm(path.join(home, old));
      log(`toolchain ready in ${((Date.now() - t0) / 1000).toFixed(1)} s`);
    });
  nodeDir = path.join(dir, 'node_modules', nodePkg);
  binDirs = [path.join(dir, 'bin')];
} else {
  // No pinned binaries for this platform: the caller's Node must do, and npm fetches pnpm.
  if (!ok(process.version))
    die(
      `no pinned Node for ${target}${musl ? ' (musl)' : ''}; run this with Node >= ${MIN_NODE.join('.')} (this is ${process.version})`,
    );
  const version = Object.values(pins).at(0);
  const dir = path.join(home, `pnpm-${sha(version)}`);
  if (!fs.existsSync(path.join(dir, 'ok'))) {
    fs.mkdirSync(dir, { recursive: true });
    fs.writeFileSync(path.join(dir, 'package.json'), '{"private":true}');
    if (
      run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error', `pnpm@${version}`], {
        cwd: dir,
      }) !== 0
    )
      die('could not fetch pnpm');
    fs.writeFileSync(path.join(dir, 'ok'), '');
  }
  nodeDir = path.resolve(process.execPath, '../..');
  binDirs = [path.dirname(process.execPath), path.join(dir, 'node_modules/.bin')];
}

const env = {
  ...cleanEnv,
  PATH: [...binDirs, path.join(root, 'node_modules/.bin'), cleanEnv.PATH].join(path.delimiter),
  npm_config_nodedir: nodeDir, // headers for node-gyp: those of the pinned Node, not of the system's
  ROUTERD_ROOT: root,
};
delete env.NODE_OPTIONS; // an inspector or loader meant for the outer Node

// ---- 2. system packages ----------------------------------------------------------------------
const onPath = (cmd) =>
  [...(cleanEnv.PATH ?? '').split(path.delimiter), '/usr/sbin', '/sbin'].some(
    (d) => d && fs.existsSync(path.join(d, cmd)),
  );
const missing = apt.filter(([cmd]) => !onPath(cmd));
if (missing.length) {
  const pkgs = [...new Set(missing.map(([c, p]) => p || c))];
  if (process.platform === 'linux' && process.getuid() === 0 && onPath('apt-get') && !process.env.ROUTERD_NO_APT) {
    log(`installing with apt: ${pkgs.join(' ')}`);
    const aptEnv = { ...cleanEnv, DEBIAN_FRONTEND: 'noninteractive' };
    const get = () =>
      run('apt-get', ['-o', 'DPkg::Lock::Timeout=120', 'install', '-y', '-qq', '--no-install-recommends', ...pkgs], {
        env: aptEnv,
      });
    if (get() !== 0) {
      run('apt-get', ['update', '-qq'], { env: aptEnv });
      if (get() !== 0) log(`apt could not install: ${pkgs.join(' ')} - what needs it is skipped`);
    }
  } else
    log(`not found: ${missing.map(([c]) => c).join(', ')} - what needs it is skipped (install: ${pkgs.join(' ')})`);
}

// ---- 3. dependencies -------------------------------------------------------------------------
const manifests = () => {
  const found = ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml'];
  if (fs.existsSync(path.join(root, 'lab/package.json'))) found.push('lab/package.json');
  for (const group of ['packages', 'plugins']) {
    let names = [];
    try {
      names = fs.readdirSync(path.join(root, group));
    } catch {
      continue;
    }
    for (const n of names.sort())
      if (fs.existsSync(path.join(root, group, n, 'package.json'))) found.push(`${group}/${n}/package.json`);
  }
  return found;
};
if (install) {
  const stamp = path.join(root, 'node_modules/.setup-stamp');
  const key = () => sha(lock, process.arch, ...manifests().flatMap((f) => [f, read(f)]));
  const fresh = () => {
    try {
      return fs.readFileSync(stamp, 'utf8') === key();
    } catch {
      return false;
    }
  };
  if (!fresh())
    withLock(path.join(home, 'lock'), () => {
      if (fresh()) return;
      const t0 = Date.now();
      log('pnpm install');
      // The age and trust policies are enforced where the lockfile changes (`npm run pnpm install`, CI); checking them again here would
      // fetch 55 MB of registry metadata on a fresh machine (10-15 s instead of 5 s). The sha512 of every package is checked.
      const code = run(
        'pnpm',
        [
          'install',
          '--frozen-lockfile',
          '--prefer-offline',
          '--config.minimum-release-age=0',
          '--config.trust-policy=off',
          '--reporter=append-only',
          '--loglevel=warn',
        ],
        { env: { ...env, CI: '1' } },
      );
      if (code !== 0)
        die('pnpm install failed. A lockfile out of date? `npm run pnpm install --no-frozen-lockfile`', code);
      probeNative();
      fs.writeFileSync(stamp, key());
      log(`dependencies ready in ${((Date.now() - t0) / 1000).toFixed(1)} s`);
    });
}

// ---- 4. the native addon ---------------------------------------------------------------------
function probeNative() {
  const from = path.join(root, 'packages/store');
  if (!fs.existsSync(path.join(from, 'node_modules/better-sqlite3'))) return;
  const probe = () =>
    spawnSync(
      path.join(binDirs[0], 'node'),
      ['-e', "new (require('better-sqlite3'))(':memory:').prepare('select 1').get()"],
      { cwd: from, env, encoding: 'utf8' },
    );
  let r = probe();
  if (r.status === 0) return;
  log(
    `better-sqlite3: the shipped binary does not load (${
      r.signal ??
      r.stderr
        .trim()
        .split('\n')
        .find((l) => /Error/.test(l)) ??
      r.status
    }); building it from source (about a minute)`,
  );
  const dir = fs.realpathSync(path.join(from, 'node_modules/better-sqlite3'));
  const code = run(
    'pnpm',
    ['dlx', 'node-gyp@13.1.0', 'rebuild', '--release', '--force_build=1', `--directory=${dir}`],
    { env },
  );
  r = probe();
  if (code !== 0 || r.status !== 0)
    die(
      `better-sqlite3 cannot be built here: ${r.stderr.trim().split('\n').slice(0, 3).join(' | ')}\n  needs: python3, make, g++ (apt-get install -y build-essential python3)`,
    );
}

// ---- 5. the command --------------------------------------------------------------------------
if (command.length === 0) process.exit(0);
const child = spawn(command[0], command.slice(1), { cwd: process.cwd(), env, stdio: 'inherit' });
for (const s of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'])
  process.on(s, () => {
    if (s !== 'SIGINT' || !process.stdin.isTTY) child.kill(s);
  });
child.on('error', (e) => die(e.code === 'ENOENT' ? `command not found: ${command[0]}` : e.message, 127));
child.on('exit', (code, signal) => {
  process.exitCode = signal ? 128 + (os.constants.signals[signal] ?? 0) : (code ?? 1);
});
