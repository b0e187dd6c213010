package org.sscdeploy.demo.profile;

import android.content.ContentProvider;
import android.content.ContentValues;
import android.content.Context;
import android.content.Intent;
import android.database.Cursor;
import android.database.MatrixCursor;
import android.net.Uri;
import android.os.ParcelFileDescriptor;
import android.provider.OpenableColumns;
import java.io.File;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;

/** Lends a result to the app that the user shares it with, to be read; nobody else can ask for it. */
public final class SharedFiles extends ContentProvider {
    private static final String AUTHORITY = "org.sscdeploy.demo.shared";
    private static final String TYPE = "application/json";

    /**
     * What asks the user for an app, and lends it this text as a file.
     *
     * @throws IOException the file cannot be written
     */
    public static Intent share(Context context, String name, String json) throws IOException {
        File folder = folder(context);
        Files.createDirectories(folder.toPath());
        Files.write(new File(folder, name).toPath(), json.getBytes(StandardCharsets.UTF_8));
        Uri uri = new Uri.Builder().scheme("content").authority(AUTHORITY).appendPath(name).build();
        Intent send = new Intent(Intent.ACTION_SEND)
            .setType(TYPE)
            .putExtra(Intent.EXTRA_STREAM, uri)
            .putExtra(Intent.EXTRA_SUBJECT, name)
            .addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION);
        send.setClipData(android.content.ClipData.newRawUri(name, uri));
        return Intent.createChooser(send, null);
    }

    private static File folder(Context context) {
        return new File(context.getCacheDir(), "shared");
    }

    private File file(Uri uri) throws FileNotFoundException {
        String name = uri.getLastPathSegment();
        if (uri.getPathSegments().size() != 1 || name == null || !name.matches("[A-Za-z0-9_-]+\\.json")) {
            throw new FileNotFoundException("no such file");
        }
        return new File(folder(getContext()), name);
    }

    @Override
    public boolean onCreate() {
        return true;
    }

    @Override
    public ParcelFileDescriptor openFile(Uri uri, String mode) throws FileNotFoundException {
        return ParcelFileDescriptor.open(file(uri), ParcelFileDescriptor.MODE_READ_ONLY);
    }

    @Override
    public Cursor query(Uri uri, String[] projection, String selection, String[] arguments, String order) {
        MatrixCursor cursor = new MatrixCursor(new String[] {OpenableColumns.DISPLAY_NAME, OpenableColumns.SIZE});
        try {
            cursor.addRow(new Object[] {uri.getLastPathSegment(), file(uri).length()});
        } catch (FileNotFoundException error) {
            return cursor;
        }
        return cursor;
    }

    @Override
    public String getType(Uri uri) {
        return TYPE;
    }

    @Override
    public Uri insert(Uri uri, ContentValues values) {
        throw new UnsupportedOperationException("read only");
    }

    @Override
    public int update(Uri uri, ContentValues values, String selection, String[] arguments) {
        throw new UnsupportedOperationException("read only");
    }

    @Override
    public int delete(Uri uri, String selection, String[] arguments) {
        throw new UnsupportedOperationException("read only");
    }
}
