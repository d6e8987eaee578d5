package io.athanor.server.http;

import io.athanor.api.common.Secret;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.UnrecoverableKeyException;
import java.util.Collections;
import org.eclipse.jetty.util.ssl.SslContextFactory;

/**
 * Where a server's certificate and private key are.
 *
 * @param keystore a PKCS #12 file
 * @param password of the file and of its key
 */
public record TlsFiles(Path keystore, Secret password) {
  /**
   * Reads the keystore; TLS 1.2 and 1.3.
   *
   * @throws StorageException if it cannot be read
   * @throws FormatException if it is no such file, the password is wrong, or there is no key in it
   */
  SslContextFactory.Server load() {
    char[] secret = password.reveal().toCharArray();
    try (InputStream in = Files.newInputStream(keystore)) {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(in, secret);
      boolean usable = false;
      for (String alias : Collections.list(store.aliases())) {
        usable |= store.isKeyEntry(alias) && store.getKey(alias, secret) != null;
      }
      if (!usable) {
        throw new FormatException(
            keystore.toString(), "there is no private key in it; add the server's key");
      }
      SslContextFactory.Server factory = new SslContextFactory.Server();
      factory.setKeyStore(store);
      factory.setKeyStorePassword(password.reveal());
      factory.setIncludeProtocols("TLSv1.2", "TLSv1.3");
      return factory;
    } catch (IOException e) {
      if (e.getCause() instanceof UnrecoverableKeyException) {
        throw new FormatException(keystore.toString(), "its password is another one", e);
      }
      if (Files.isReadable(keystore) && Files.isRegularFile(keystore)) {
        throw notPkcs12(e);
      }
      throw new StorageException(
          keystore.toString(), "cannot be read (" + e + "); check path and permissions", e);
    } catch (GeneralSecurityException e) {
      throw notPkcs12(e);
    }
  }

  private FormatException notPkcs12(Exception cause) {
    return new FormatException(
        keystore.toString(),
        "expected a PKCS #12 keystore with a private key under its password; make one with keytool"
            + " or openssl",
        cause);
  }
}
