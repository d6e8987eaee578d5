package io.athanor.server.http;

import io.javalin.http.Handler;
import io.javalin.http.HandlerType;

/**
 * Something that can be asked over HTTP.
 *
 * @param path with parameters in braces
 * @param open whether it is answered without asking who calls
 */
public record Route(HandlerType method, String path, boolean open, Handler handler) {
  /** Reads something. */
  public static Route get(String path, Handler handler) {
    return new Route(HandlerType.GET, path, false, handler);
  }

  /** Asks a model, or begins something. */
  public static Route post(String path, Handler handler) {
    return new Route(HandlerType.POST, path, false, handler);
  }

  /** Sets something. */
  public static Route put(String path, Handler handler) {
    return new Route(HandlerType.PUT, path, false, handler);
  }

  /** Removes something. */
  public static Route delete(String path, Handler handler) {
    return new Route(HandlerType.DELETE, path, false, handler);
  }

  /** The same for everybody, known or not. */
  public Route forEverybody() {
    return new Route(method, path, true, handler);
  }
}
