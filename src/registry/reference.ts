/**
 * The grammar of names, from the `distribution/reference` module: a repository is path components joined by `/`, of which the
 * first may be a domain (so `My.Host/app` is legal), at most 255 characters: registry 2.8 counts all of them, 3.x those after what may be a
 * domain, as most first components may. What either accepts is a repository.
 */
const PATH_COMPONENT = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;
const DOMAIN = /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const MAX_REPOSITORY_NAME = 255;

/** Whether the registry accepts `name` as a repository. */
export function isRepositoryName(name: string): boolean {
  const components = name.split("/");
  const [first = ""] = components;
  const domainLength = components.length > 1 && DOMAIN.test(first) ? first.length + 1 : 0;
  if (name.length - domainLength > MAX_REPOSITORY_NAME) return false;
  return components.every((component, i) => PATH_COMPONENT.test(component) || (i === 0 && domainLength > 0));
}

/** Whether the registry accepts `name` as a tag. `list`, `current`, `_layers` are all legal tags. */
export function isTagName(name: string): boolean {
  return TAG.test(name);
}
