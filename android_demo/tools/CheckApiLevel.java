import java.io.File;
import java.io.FileInputStream;
import java.io.InputStream;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.codehaus.mojo.animal_sniffer.SignatureChecker;
import org.codehaus.mojo.animal_sniffer.logging.PrintWriterLogger;

/** Says which calls of class files a level of Android's API does not have: SIGNATURE IGNORED,... FOLDER... */
public final class CheckApiLevel {
    private CheckApiLevel() { }

    public static void main(String[] arguments) throws Exception {
        Set<String> ignored = new HashSet<>(Arrays.asList(arguments[1].split(",")));
        boolean broken = false;
        for (int i = 2; i < arguments.length; i++) {
            try (InputStream signature = new FileInputStream(arguments[0])) {
                SignatureChecker checker = new SignatureChecker(signature, ignored, new PrintWriterLogger(System.out));
                checker.setSourcePath(List.of());
                checker.process(new File(arguments[i]));
                broken |= checker.isSignatureBroken();
            }
        }
        System.exit(broken ? 1 : 0);
    }
}
