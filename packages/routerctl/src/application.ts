import { buildApplication, buildRouteMap } from '@stricli/core';
import { actionRoutes } from './commands/action.ts';
import { completionCommand } from './commands/completion.ts';
import { doctorCommand } from './commands/doctor.ts';
import { dynamicRoutes } from './commands/dynamic.ts';
import { explainCommand } from './commands/explain.ts';
import { federationRoutes } from './commands/federation.ts';
import { describeCommand, getCommand } from './commands/get.ts';
import { metricsCommand } from './commands/metrics.ts';
import { mobilityRoutes } from './commands/mobility.ts';
import { drainCommand, ordersCommand, undrainCommand } from './commands/order.ts';
import { overlayRoutes } from './commands/overlay.ts';
import { pluginRoutes } from './commands/plugin.ts';
import { schemaCommand } from './commands/schema.ts';
import { statusCommand } from './commands/status.ts';
import { validateCommand } from './commands/validate.ts';
import { whatIfRoutes } from './commands/what-if.ts';
import type { Context } from './command-context.ts';

const routes = buildRouteMap<string, Context>({
  routes: {
    status: statusCommand,
    get: getCommand,
    describe: describeCommand,
    explain: explainCommand,
    mobility: mobilityRoutes,
    whatIf: whatIfRoutes,
    drain: drainCommand,
    undrain: undrainCommand,
    orders: ordersCommand,
    overlay: overlayRoutes,
    federation: federationRoutes,
    action: actionRoutes,
    plugin: pluginRoutes,
    dynamic: dynamicRoutes,
    doctor: doctorCommand,
    metrics: metricsCommand,
    validate: validateCommand,
    schema: schemaCommand,
    completion: completionCommand,
  },
  docs: {
    brief: 'Show and steer one routerd node',
    fullDescription: [
      'Show and steer one routerd node through its unix socket.',
      '',
      'EXAMPLES',
      '  routerctl status                                 what the node does and waits for',
      '  routerctl get remoteaddressclaims -o yaml        what it captures and delivers',
      '  routerctl explain 10.77.60.10                    why an address is where it is',
      '  routerctl mobility leases                        which site owns which address',
      '  routerctl what-if fail aws-router-a              what would happen, before it does',
      '  routerctl drain aws-router-a --wait              until it may be switched off',
      '  routerctl federation event emit --address 10.77.60.11/32 --ttl 24h',
      '  routerctl action list --status failed',
      '  routerctl plugin run oci-inventory --dry-run      what it would add to the configuration',
      '  routerctl dynamic diff                           what plugins and pools make of startup-config',
      '  routerctl overlay peers                           how good the paths to other routers are',
      '  routerctl doctor hybrid                           what is wrong here, and what to do',
      '  routerctl validate /usr/local/etc/routerd',
      '',
      'EXIT CODES',
      '  0 done   1 refused or failed   2 wrong usage',
    ].join('\n'),
  },
});

export const application = buildApplication(routes, {
  name: 'routerctl',
  versionInfo: { currentVersion: '0.1.0' },
  scanner: { caseStyle: 'allow-kebab-for-camel', allowArgumentEscapeSequence: true },
});
