/**
 * The error that callers branch on: everything a user may meet carries a literal code.
 *
 * Programming errors use the built-in classes; this one is for what can go wrong in operation.
 *
 * @module
 */

/** What went wrong, as a word that scripts can rely on. */
export type ErrorCode =
  | "invalid_username"
  | "weak_password"
  | "wrong_password"
  | "wrong_words"
  | "password_changed"
  | "device_removed"
  | "account_closed"
  | "name_taken"
  | "unknown_user"
  | "not_logged_in"
  | "already_logged_in"
  | "empty_post"
  | "post_too_long"
  | "invalid_text"
  | "unknown_post"
  | "clock_ahead"
  | "clock_doubted"
  | "over_quota"
  | "too_many_mentions"
  | "follow_self"
  | "not_following"
  | "follow_refused"
  | "pin_clash"
  | "service_failed"
  | "not_joined"
  | "no_answer"
  | "too_few_holders"
  | "superseded"
  | "invalid_config"
  | "invalid_file"
  | "invalid_argument"
  | "invalid_invite"
  | "invite_expired"
  | "udp_port_in_use"
  | "tcp_port_in_use"
  | "address_unavailable"
  | "folder_in_use"
  | "folder_read_only"
  | "folder_unsafe"
  | "addon_failed"
  | "database_damaged"
  | "disk_full"
  | "disk_failed"
  | "not_a_terminal"
  | "no_password"
  | "unauthorized"
  | "no_peer"
  | "interrupted"
  | "internal";

/** An operating error with a code; its message is meant for the person at the terminal. */
export class CamelliaError extends Error {
  /** Always `"CamelliaError"`. */
  override readonly name = "CamelliaError";
  /** What went wrong, for code that branches on it and for `--json`. */
  readonly code: ErrorCode;

  /**
   * An error for a person and for code.
   *
   * @param code What went wrong.
   * @param message A sentence of the form "Cannot <do what>: <value> is <why>", with what to do about it.
   * @param options The underlying error as `cause`, if there is one.
   */
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
