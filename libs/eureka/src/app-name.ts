/**
 * Eureka knows applications by names in upper case, whatever case they are asked for in; a dataId may be of any. So the name of a
 * dataId is that in upper case, and whatever this would lose is written out: `~X` is a letter that is a capital in the dataId, and
 * `~0HEX.` any other character that has no upper case of its own or would not come back from it. Both ways are each other's
 * inverse: `user-service` is `USER-SERVICE`, and `UserService` is `~USER~SERVICE`.
 */
export function appNameOf(dataId: string): string {
  let name = '';
  for (const char of dataId) {
    if (char >= 'a' && char <= 'z') name += char.toUpperCase();
    else if (char >= 'A' && char <= 'Z') name += `~${char}`;
    else if (char !== '~' && char.toUpperCase() === char) name += char;
    else name += `~0${char.codePointAt(0)!.toString(16).toUpperCase()}.`;
  }
  return name;
}

const ESCAPED = /~([A-Z])|~0([1-9A-F][0-9A-F]{0,5})\.|([A-Z])/g;

/** The dataId of an application, named in any case; undefined for what is the name of none. */
export function dataIdOf(appName: string): string | undefined {
  const name = appName.toUpperCase();
  const dataId = name.replace(ESCAPED, (_, capital?: string, hex?: string, letter?: string) => {
    if (capital !== undefined) return capital;
    if (hex !== undefined) return character(Number.parseInt(hex, 16));
    return letter!.toLowerCase();
  });
  // Whatever else a name may say, of two names for one dataId only one would find it.
  return appNameOf(dataId) === name ? dataId : undefined;
}

function character(codePoint: number): string {
  return codePoint <= 0x10_ff_ff ? String.fromCodePoint(codePoint) : '';
}
