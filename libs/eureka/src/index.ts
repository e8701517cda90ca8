export { appNameOf, dataIdOf } from './app-name.js';
export { CATALOGUE_LIMITS, Catalogue, type CatalogueLimits } from './catalogue.js';
export { hashCodeOf } from './hash-code.js';
export type { Application, Applications, Instance, Status } from './instance.js';
export {
  EUREKA_FIELD,
  type Publisher,
  ownIdOf,
  registeredInstance,
  toInstances,
  toPublication,
} from './publication.js';
export { Unreadable, readInstance } from './read-instance.js';
export { instanceOfXml } from './read-xml.js';
export {
  checkApp,
  givenStatus,
  leaseMsOf,
  mustRegisterAgain,
  overridden,
  registered,
  restored,
  withMetadata,
} from './registration.js';
export { applicationJson, applicationsJson, instanceJson } from './write-json.js';
export { applicationXml, applicationsXml, instanceXml } from './write-xml.js';
