/**
 * Who may import whom, as in ARCHITECTURE.md. `libs` are the other libs that a lib may use, through their front doors;
 * `packages` are npm packages; `builtins` says whether Node's own modules may be used.
 */
const PURE = ['model', 'consensus', 'sharding', 'etcd', 'registry'];
const LIBS = {
  model: { libs: [], packages: [], builtins: false },
  consensus: { libs: ['model'], packages: [], builtins: false },
  sharding: { libs: ['model'], packages: [], builtins: false },
  etcd: { libs: ['model'], packages: [], builtins: false },
  registry: { libs: ['model', 'sharding', 'etcd'], packages: [], builtins: false },
  eureka: { libs: ['model'], packages: ['fast-xml-parser'], builtins: false },
  sim: { libs: PURE, packages: [], builtins: false },
  wire: { libs: ['model'], packages: ['msgpackr'], builtins: true },
  store: { libs: PURE, packages: ['level', 'classic-level', 'abstract-level'], builtins: true },
  client: { libs: ['wire', ...PURE], packages: [], builtins: true },
  nest: {
    libs: ['wire', 'client', 'model'],
    packages: [
      ...['@nestjs/[^/]+', 'rxjs', 'reflect-metadata', 'zod', 'yaml', 'fastify', 'prom-client', 'swagger-ui-dist'],
      'commander',
    ],
    builtins: true,
  },
};

/** Tests and what only they use may reach for more. */
const TEST_FILES = '[.](spec|harness)[.]ts$|^libs/[^/]+/src/testing([.]ts$|/)';
const TEST_PACKAGES = ['fast-check', '@jest/globals', '@nestjs/testing', '@nestjs/platform-fastify'];
const FRONT_DOORS = '^libs/[^/]+/src/index[.]ts$';
const SECOND_DOORS = '^libs/[^/]+/src/testing[.]ts$';

const any = (names) => `(${names.join('|')})`;
const inPackages = (names) => (names.length === 0 ? [] : [`(^|/)node_modules/${any(names)}/`]);
const NPM = ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-bundled', 'npm-no-pkg', 'npm-unknown'];

const perLib = Object.entries(LIBS).flatMap(([lib, { libs, packages, builtins }]) => [
  {
    name: `${lib}-uses-libs`,
    comment: `libs/${lib} may use ${libs.length === 0 ? 'no other lib' : `only ${libs.join(', ')}`}.`,
    from: { path: `^libs/${lib}/` },
    to: { path: '^libs/', pathNot: `^libs/${any([lib, ...libs])}/` },
  },
  {
    name: `${lib}-uses-packages`,
    comment: `libs/${lib} may use ${packages.length === 0 ? 'no npm package' : `only ${packages.join(', ')}`}.`,
    from: { path: `^libs/${lib}/`, pathNot: TEST_FILES },
    to: { dependencyTypes: NPM, pathNot: inPackages(packages) },
  },
  {
    name: `${lib}-tests-use-packages`,
    comment: `Tests of libs/${lib} may use only ${[...packages, ...TEST_PACKAGES].join(', ')}.`,
    from: { path: `^libs/${lib}/.*(${TEST_FILES.replace('^libs/[^/]+/', '')})` },
    to: { dependencyTypes: NPM, pathNot: inPackages([...packages, ...TEST_PACKAGES]) },
  },
  ...(builtins
    ? []
    : [
        {
          name: `${lib}-is-pure`,
          comment: `libs/${lib} touches no disk, network, process or clock, so it uses none of Node's modules.`,
          from: { path: `^libs/${lib}/`, pathNot: TEST_FILES },
          to: { dependencyTypes: ['core'] },
        },
      ]),
]);

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...perLib,
    {
      name: 'known-libs',
      comment: 'A new lib needs a line in the layer rules.',
      from: { path: '^libs/', pathNot: `^libs/${any(Object.keys(LIBS))}/` },
      to: {},
    },
    {
      name: 'front-doors',
      comment: 'A lib is entered through its index.ts, or its testing.ts, and nowhere else.',
      from: { path: '^(libs/[^/]+|apps|test|examples|bench)/' },
      to: { path: '^libs/', pathNot: ['^$1/', FRONT_DOORS, SECOND_DOORS] },
    },
    {
      name: 'doors-by-name',
      comment: 'A lib is imported by its name, as #model, never by a relative path.',
      from: { path: '^(libs/[^/]+|apps|test|examples|bench)/' },
      to: { path: '^libs/', pathNot: '^$1/', dependencyTypesNot: ['aliased'] },
    },
    {
      name: 'second-door-for-tests',
      comment: 'What a testing.ts exports is for tests.',
      from: { path: '^(libs|apps|examples)/', pathNot: TEST_FILES },
      to: { path: SECOND_DOORS },
    },
    {
      name: 'tests-stay-tests',
      comment: 'Nothing that ships imports a test.',
      from: { path: '^(libs|apps|examples)/', pathNot: TEST_FILES },
      to: { path: TEST_FILES, pathNot: SECOND_DOORS },
    },
    {
      name: 'libs-below-apps',
      comment: 'A lib never imports what stands above it.',
      from: { path: '^libs/' },
      to: { path: '^(apps|test|examples|bench|scripts)/' },
    },
    {
      name: 'apps-apart',
      comment: 'An app never imports another app; standalone and cli may.',
      from: { path: '^apps/([^/]+)/', pathNot: '^apps/(standalone|cli)/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'cli-uses-libs',
      comment: 'The command speaks to servers as anybody does, so it uses no core of theirs.',
      from: { path: '^apps/cli/' },
      to: { path: '^libs/', pathNot: `^libs/${any(['model', 'client', 'nest'])}/` },
    },
    {
      name: 'cli-loads-servers-late',
      comment:
        'The command starts in a moment: what servers consist of is imported only where it is needed, by import().',
      from: { path: '^apps/cli/', pathNot: TEST_FILES },
      to: { path: ['^libs/nest/', '^apps/(?!cli/)'], dynamic: false },
    },
    {
      name: 'apps-below-tests',
      comment: 'An app never imports a test, an example or a benchmark.',
      from: { path: '^apps/' },
      to: { path: '^(test|examples|bench|scripts)/' },
    },
    {
      name: 'shipped-packages',
      comment: 'What ships uses no package that is only there for development.',
      from: { path: '^(libs|apps)/', pathNot: TEST_FILES },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'scripts-stand-alone',
      comment: 'These scripts run before anything is installed, so they use nothing but Node.',
      from: { path: '^scripts/', pathNot: '^scripts/check-layers[.]mjs$' },
      to: { dependencyTypes: NPM },
    },
    {
      name: 'resolvable',
      comment: 'The import leads nowhere.',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: '(^|/)node_modules/' },
    exclude: { path: '^dist/' },
    // Type-only imports count: a layer that needs the types of another depends on it.
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      conditionNames: ['import', 'types', 'node', 'default', 'require'],
      exportsFields: ['exports'],
      mainFields: ['module', 'main', 'types'],
    },
  },
};
