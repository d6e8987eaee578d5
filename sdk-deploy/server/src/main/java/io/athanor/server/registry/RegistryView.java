package io.athanor.server.registry;

import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.SemanticVersion;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.ModelRegistry;
import io.athanor.server.access.Caller;
import io.athanor.server.http.HttpProblem;
import io.javalin.http.Context;

/** The registry as whoever makes a request may use it. */
record RegistryView(ModelRegistry registry) {
  /**
   * For a request.
   *
   * @param permission what it is about; the key must be good for it, and the registry asks its
   *     roles
   * @throws HttpProblem 403 if the key is not
   */
  static ModelRegistry of(ModelRegistry registry, Context ctx, Permission permission) {
    Caller caller = Caller.of(ctx);
    caller.requireKeyFor(permission);
    return caller.principal().map(registry::as).orElse(registry);
  }

  /** The parameter of a path that names a model. */
  static String name(Context ctx) {
    return requireName("model", ctx.pathParam("name"));
  }

  /**
   * A name, as the registry has them.
   *
   * @throws HttpProblem 404 if nothing can have it
   */
  static String requireName(String what, String name) {
    if (!VersionId.isName(name)) {
      throw new HttpProblem(404, "No " + what + " can be called '" + name + "'");
    }
    return name;
  }

  /**
   * A version by number ({@code 3}), semantic version ({@code 1.2.0}) or alias ({@code
   * production}).
   *
   * @throws io.athanor.api.error.NotFoundException if there is none
   */
  ModelVersion version(String name, String which) {
    requireName("model", name);
    if (which.matches("[1-9][0-9]{0,8}")) {
      return registry.version(name, Integer.parseInt(which));
    }
    if (which.matches("[0-9]+\\.[0-9]+\\.[0-9]+.*")) {
      try {
        return registry.version(name, SemanticVersion.of(which));
      } catch (IllegalArgumentException e) {
        throw new HttpProblem(404, "'" + which + "' is no semantic version");
      }
    }
    return registry.alias(name, requireName("alias", which));
  }

  /**
   * A version written as {@code name:version}.
   *
   * @throws HttpProblem 400 if it is not
   */
  ModelVersion version(String parameter, String id, int status) {
    int colon = id.indexOf(':');
    if (colon < 1) {
      throw new HttpProblem(
              status, "'" + parameter + "' must be like 'spam-filter:3', got '" + id + "'")
          .with("param", parameter);
    }
    return version(id.substring(0, colon), id.substring(colon + 1));
  }
}
