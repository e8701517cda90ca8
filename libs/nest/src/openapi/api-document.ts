import type { INestApplication, Type } from '@nestjs/common';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';
import type { OpenAPIObject } from '@nestjs/swagger';
import { VERSION } from '#model';
import { type Access, accessOf } from '../admin/access.js';
import { type DescriptionSource, descriptionOf, isUndescribed } from './described.js';
import { ADMIN_SCHEME, operationObject } from './operation-object.js';
import { Schemas } from './schemas.js';

export interface ApiInfo {
  /** Of the server. */
  title: string;
  description: string;
}

const ADMIN = 'An admin token, where the server has any. It is not needed for what applications do for themselves.';

/** Where the document and its page are, which are not described themselves. */
export const DOCUMENT_PATH = 'openapi.json';
export const PAGE_PATH = 'docs';

/**
 * The OpenAPI document of a server. It is made when somebody first asks for it: what makes it takes longer to load than the
 * server to start.
 */
export class ApiDocument {
  private app: INestApplication | undefined;
  private made: Promise<OpenAPIObject> | undefined;

  constructor(private readonly info: ApiInfo) {}

  of(app: INestApplication): void {
    this.app = app;
  }

  read(): Promise<OpenAPIObject> {
    return (this.made ??= this.make());
  }

  private async make(): Promise<OpenAPIObject> {
    if (!this.app) throw new Error('There is no application to describe yet.');
    const { DocumentBuilder, SwaggerModule } = await import('@nestjs/swagger');
    const { title, description } = this.info;
    const config = new DocumentBuilder().setTitle(title).setDescription(description).setVersion(VERSION);
    config
      .setOpenAPIVersion('3.1.0')
      .addBearerAuth({ type: 'http', scheme: 'bearer', description: ADMIN }, ADMIN_SCHEME);
    const document = SwaggerModule.createDocument(this.app, config.build(), {
      operationIdFactory: handlerName,
      autoTagControllers: false,
    });
    const { paths, schemas } = await described(document.paths, routesOf(this.app));
    return { ...document, paths, components: { ...document.components, schemas } } as OpenAPIObject;
  }
}

function handlerName(controller: string, method: string): string {
  return `${controller}.${method}`;
}

interface Route {
  source: DescriptionSource;
  access(method: string): Access;
}

/** By the name of the handler, which Swagger's scanner tells with each route that it finds. */
function routesOf(app: INestApplication): Map<string, Route | 'left out'> {
  const found = new Map<string, Route | 'left out'>();
  const scanner = new MetadataScanner();
  for (const { controllers } of app.get(ModulesContainer).values())
    for (const { metatype } of controllers.values()) {
      const controller = metatype as Type;
      // oxlint-disable-next-line typescript/no-unsafe-function-type -- a handler is whatever Nest says it is
      const prototype = controller.prototype as Record<string, Function>;
      for (const key of scanner.getAllMethodNames(prototype)) {
        const source = descriptionOf(prototype[key]!);
        const name = handlerName(controller.name, key);
        if (isUndescribed(controller)) found.set(name, 'left out');
        if (!source) continue;
        if (found.has(name)) throw new Error(`Two handlers are called ${name}, so it is not known which is which.`);
        found.set(name, { source, access: (method) => accessOf(prototype[key]!, controller, method) });
      }
    }
  return found;
}

async function described(
  paths: OpenAPIObject['paths'],
  routes: Map<string, Route | 'left out'>,
): Promise<{ paths: object; schemas: object }> {
  const schemas = new Schemas();
  const ids = new Set<string>();
  const made: Record<string, Record<string, object>> = {};
  for (const [path, methods] of Object.entries(paths)) {
    if (path === `/${DOCUMENT_PATH}` || path === `/${PAGE_PATH}` || path.startsWith(`/${PAGE_PATH}/`)) continue;
    for (const [method, { operationId: handler }] of Object.entries(
      methods as Record<string, { operationId: string }>,
    )) {
      // Of a controller at several paths, handlers are counted.
      const route = routes.get(handler.replace(/\[\d+\]$/, ''));
      if (route === 'left out') continue;
      if (!route) throw new Error(`${method.toUpperCase()} ${path} is not @Described (${handler}).`);
      const { id } = route.source;
      if (ids.has(id)) throw new Error(`Two routes have the id ${id}.`);
      ids.add(id);
      const isForAdmins = route.access(method.toUpperCase()) === 'admin';
      const operation = operationObject(await route.source.load(), { id, tag: tagOf(path), isForAdmins, schemas });
      made[path] = { ...made[path], [method]: operation };
    }
  }
  return { paths: made, schemas: schemas.named };
}

/** Routes are grouped by what they are about: the first part of the path behind the version. */
function tagOf(path: string): string {
  return path.replace(/^\/v1\//, '/').split('/')[1]!;
}
