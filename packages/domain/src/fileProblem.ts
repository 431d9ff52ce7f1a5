// What the operating system's error codes for files mean, in words. Pure: it reads the error, never the disk.

const words: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or directory",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
  EISDIR: "it is a directory; expected a file",
  ENOTDIR: "a file is where a directory is expected",
  EEXIST: "a file is where a directory is expected",
  ENOTEMPTY: "the directory is not empty",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  ENAMETOOLONG: "the name is too long",
  ELOOP: "its symbolic links lead in a circle",
  EMFILE: "too many files are open",
  ENFILE: "too many files are open on this machine",
  EBUSY: "it is in use",
  EXDEV: "it would have to move to another disk",
  EIO: "the disk failed to read or write",
}

/** `PATH: permission denied`; the error's own message when its code is none of these. */
export const fileProblem = (cause: unknown): string => {
  const { code, path, message } = (cause ?? {}) as { code?: string; path?: string; message?: string }
  const said = code === undefined ? undefined : words[code]
  if (said === undefined) return message ?? String(cause)
  return path === undefined ? said : `${path}: ${said}`
}
