import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Controller, type DynamicModule, Get, Header, Inject, Module, Param, StreamableFile } from '@nestjs/common';
import { RegistryError } from '#model';
import { ApiDocument, DOCUMENT_PATH, PAGE_PATH } from './api-document.js';
import { INIT_SCRIPT, PAGE, PAGE_POLICY } from './page.js';

/** What the page loads, and nothing else of the package. */
const ASSETS: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
};

/** `/openapi.json` for programs, and `/docs` for people. */
@Controller()
class OpenApiController {
  constructor(@Inject(ApiDocument) private readonly document: ApiDocument) {}

  @Get(DOCUMENT_PATH)
  read(): Promise<object> {
    return this.document.read();
  }

  @Get(PAGE_PATH)
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', PAGE_POLICY)
  page(): string {
    return PAGE;
  }

  @Get(`${PAGE_PATH}/init.js`)
  @Header('content-type', 'text/javascript; charset=utf-8')
  script(): string {
    return INIT_SCRIPT;
  }

  @Get(`${PAGE_PATH}/:asset`)
  @Header('cache-control', 'public, max-age=86400')
  async asset(@Param('asset') asset: string): Promise<StreamableFile> {
    const type = Object.hasOwn(ASSETS, asset) ? ASSETS[asset] : undefined;
    if (type === undefined) throw new RegistryError('NOT_FOUND');
    const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
    return new StreamableFile(await readFile(join(folder, asset)), { type });
  }
}

@Module({})
export class OpenApiModule {
  static forRoot(document: ApiDocument): DynamicModule {
    return {
      module: OpenApiModule,
      controllers: [OpenApiController],
      providers: [{ provide: ApiDocument, useValue: document }],
    };
  }
}
