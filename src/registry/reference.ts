/**
 * The grammar of names, from the `distribution/reference` module: a repository is path components joined by `/`, of which the
 * first may be a domain (so `My.Host/app` is legal), at most 255 characters.
 */
const PATH_COMPONENT = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;
const DOMAIN = /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const MAX_REPOSITORY_NAME = 255;

/** Whether the registry accepts `name` as a repository. */
export function isRepositoryName(name: string): boolean {
  if (name.length > MAX_REPOSITORY_NAME) return false;
  const components = name.split("/");
  return components.every(
    (component, i) => PATH_COMPONENT.test(component) || (i === 0 && components.length > 1 && DOMAIN.test(component)),
  );
}

/** Whether the registry accepts `name` as a tag. `list`, `current`, `_layers` are all legal tags. */
export function isTagName(name: string): boolean {
  return TAG.test(name);
}
