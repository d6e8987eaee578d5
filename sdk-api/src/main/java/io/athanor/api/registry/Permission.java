package io.athanor.api.registry;

/** What a role may do with models. */
public enum Permission {
  READ,
  REGISTER,
  /** Change notes, state and documents of a version, record its use and deployments. */
  UPDATE,
  /** Move an alias. */
  PROMOTE,
  /** Decide on requests for approval. */
  APPROVE,
  DELETE,
  /** Change policy and roles, collect garbage, back up. */
  ADMINISTER
}
